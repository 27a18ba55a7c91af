package wire

// Models reads a list of models: the names under `data`, or under `models`.
func (a *Answer) Models() ([]string, error) {
	b, err := a.All()
	if err != nil {
		return nil, err
	}
	v, err := Decode(b)
	if err != nil {
		return nil, a.Error("the list of models is not JSON: %.200s", b)
	}
	o := Object(v)
	if e := o["error"]; e != nil {
		if err := a.Said(e); err != nil {
			return nil, err
		}
	}
	list, ok := v.([]any)
	for _, k := range []string{"data", "models"} {
		if !ok {
			list, ok = o[k].([]any)
		}
	}
	if !ok {
		return nil, a.Error("the list of models has neither data nor models: %.200s", b)
	}
	names := []string{}
	for _, x := range list {
		name := Text(x)
		for _, k := range []string{"id", "name", "model"} {
			if name == "" {
				name = Text(Object(x)[k])
			}
		}
		if name != "" {
			names = append(names, name)
		}
	}
	return names, nil
}
