package graph

import (
	"fmt"
	"maps"
	"slices"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/value"
)

// CheckParams checks the parameters of a new stack, fills in defaults, and returns
// the values in canonical form. Errors name the param and what is expected.
func (g *Graph) CheckParams(given map[string]any) (map[string]any, error) {
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if _, ok := g.index.params[name]; !ok {
			return nil, fmt.Errorf("unknown param %q (%s)", name, hint(name, "param", g.ParamNames()))
		}
	}
	out := make(map[string]any, len(g.Params))
	for i := range g.Params {
		p := &g.Params[i]
		v, ok := given[p.Name]
		switch {
		case !ok && !p.HasDefault:
			return nil, fmt.Errorf("param %q is missing, expected %s", p.Name, p.Type)
		case !ok:
			out[p.Name] = p.Default
		default:
			fit, err := p.Type.Check("", v)
			if err != nil {
				return nil, fmt.Errorf("param %q does not fit %s: %w", p.Name, p.Type, err)
			}
			out[p.Name] = fit
		}
	}
	return out, nil
}

// TakesText reports whether a value of the param on a command line is plain text:
// it is for strings, for enums of strings, and for one of them or null. For every
// other type, any too, it is JSON.
func (p *Param) TakesText() bool { return p.Type.Kind == schema.String }

// ReadParam returns the value of a param that is written as text on a command line.
// takesText is the answer of TakesText. CheckParams checks whether the value fits.
// Text that is not UTF-8 is an error, as is text that must be JSON and is not.
func ReadParam(text string, takesText bool) (any, error) {
	if takesText {
		if err := value.CheckText(text); err != nil {
			return nil, err
		}
		return text, nil
	}
	v, err := value.Decode([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("%q is not JSON: %w", diag.Shorten(text, 200), err)
	}
	return v, nil
}

// ReadParam is the function ReadParam for a param by name. For a name that the graph
// does not have, it reads JSON or else text, because CheckParams reports the name.
func (g *Graph) ReadParam(name, text string) (any, error) {
	i, ok := g.index.params[name]
	if ok {
		return ReadParam(text, g.Params[i].TakesText())
	}
	if v, err := ReadParam(text, false); err == nil {
		return v, nil
	}
	return ReadParam(text, true)
}

// CheckState returns the initial state of a stack: for each key, in declaration
// order, the given value in canonical form, or the initial value of the key. Errors
// name the key and what is expected, or the bound that the state exceeds.
func (g *Graph) CheckState(given map[string]any) ([]any, error) {
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if _, ok := g.index.keys[name]; !ok {
			return nil, fmt.Errorf("unknown state key %q (%s)", name, hint(name, "state key", g.KeyNames()))
		}
	}
	out := make([]any, len(g.Keys))
	for i := range g.Keys {
		k := &g.Keys[i]
		v, ok := given[k.Name]
		if !ok {
			out[i] = k.Initial
			continue
		}
		fit, err := k.Type.Check(k.Name, v)
		if err != nil {
			return nil, fmt.Errorf("state key %q does not fit %s: %w", k.Name, k.Type, err)
		}
		out[i] = fit
	}
	sizes := Measure(out)
	if err := sizes.CheckAll(g); err != nil {
		return nil, err
	}
	return out, nil
}

func hint(name, what string, known []string) string {
	if s := diag.Suggest(name, known); s != "" {
		return s
	}
	return listed(what, known)
}

// Declared returns a stored state with the keys that the graph declares. A key that
// is new in a changed graph has its initial value until it is written. Keys that the
// graph no longer declares are left out. The values are shared.
func (g *Graph) Declared(stored map[string]any) map[string]any {
	state := make(map[string]any, len(g.Keys))
	for i := range g.Keys {
		k := &g.Keys[i]
		state[k.Name] = k.Initial
		if v, ok := stored[k.Name]; ok {
			state[k.Name] = v
		}
	}
	return state
}
