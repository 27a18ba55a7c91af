package graph

import (
	"fmt"
	"maps"
	"slices"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/value"
)

// CheckParams checks the parameters given for a stack, fills in defaults, and
// makes the values canonical. Errors name the param and what is expected.
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

// TakesText reports whether a value of the param that is written on a command
// line is text as it is: for strings, enums of strings, and both or null. What
// is written for any other type, also for any, is JSON.
func (p *Param) TakesText() bool { return p.Type.Kind == schema.String }

// ReadParam is the value that text stands for on a command line; takesText is
// what TakesText says of the param. Whether the value fits is for CheckParams.
// Text that is not UTF-8 and text that is not JSON are errors.
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

// ReadParam is the function ReadParam for a param by name. One that the graph
// does not have is read as JSON when it is JSON, else as text: CheckParams
// names the params that there are.
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

// CheckState is the state that a stack begins with: the initial value of each
// key, in declaration order, or the one given for it, made canonical.
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

// Declared is a stored state as the graph declares it: a key that came with a
// changed graph has its initial value until it is written, and what the graph
// dropped is not there. The values are shared.
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
