package machine

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/value"
)

// fitParams completes params with their defaults and makes them canonical.
func fitParams(g *graph.Graph, given map[string]any) (map[string]any, error) {
	params := make(map[string]any, len(g.Params))
	for i := range g.Params {
		p := &g.Params[i]
		v, ok := given[p.Name]
		switch {
		case !ok && p.HasDefault:
			params[p.Name] = p.Default
			continue
		case !ok && p.Type.Nullable:
			params[p.Name] = nil
			continue
		case !ok:
			return nil, fmt.Errorf("param %q is missing (expected %s)", p.Name, p.Type)
		}
		fit, err := fitValue(p.Type, "params."+p.Name, v)
		if err != nil {
			return nil, err
		}
		params[p.Name] = fit
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if _, ok := params[name]; !ok {
			return nil, fmt.Errorf("unknown param %q (%s)", name, existing("params", g.Params, func(p graph.Param) string { return p.Name }))
		}
	}
	return params, nil
}

// fitValue makes any JSON-like value canonical by its type.
func fitValue(t *schema.Type, path string, v any) (any, error) {
	given, err := value.Of(v)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t.Check(path, given.Any())
}

// initialState is the state before the first cycle.
func initialState(g *graph.Graph, init map[string]any) ([]any, error) {
	values := make([]any, len(g.Keys))
	known := make(map[string]bool, len(g.Keys))
	for i := range g.Keys {
		k := &g.Keys[i]
		known[k.Name] = true
		values[i] = k.Initial
		if v, ok := init[k.Name]; ok {
			fit, err := fitValue(k.Type, "state."+k.Name, v)
			if err != nil {
				return nil, err
			}
			values[i] = fit
		}
	}
	for _, name := range slices.Sorted(maps.Keys(init)) {
		if !known[name] {
			return nil, fmt.Errorf("unknown state key %q (%s)", name, existing("keys", g.Keys, func(k graph.Key) string { return k.Name }))
		}
	}
	sizes := graph.Measure(values)
	if err := sizes.CheckAll(g); err != nil {
		return nil, err
	}
	return values, nil
}

func existing[T any](what string, all []T, name func(T) string) string {
	names := make([]string, len(all))
	for i := range all {
		names[i] = name(all[i])
	}
	return listed(what, names)
}

// showState makes the whole state part of the next commit.
func (m *Machine) showState() {
	for i := range m.g.Keys {
		m.out.changes = append(m.out.changes, graph.Change{
			Key: i, Name: m.g.Keys[i].Name, Value: m.state.values[i], Whole: true,
		})
	}
	m.out.changes = append(m.out.changes, graph.Change{Key: -1, Name: writersName, Value: m.writers.list, Whole: true})
}

// Adopt switches to a changed graph between two cycles. The error says which key
// does not fit and why.
func (m *Machine) Adopt(g *graph.Graph, at time.Time) error {
	if g.Hash == m.cur.Hash {
		m.stay()
		return nil
	}
	if m.cur.Open {
		return fmt.Errorf("machine: cycle %d is open: a changed graph is adopted between two cycles", m.cur.Cycle)
	}
	params, err := fitParams(g, m.id.Params)
	if err != nil {
		return err
	}
	schedule, err := g.Schedule.For(params)
	if err != nil {
		return err
	}
	old := make(map[string]int, len(m.g.Keys))
	for i := range m.g.Keys {
		old[m.g.Keys[i].Name] = i
	}
	values := make([]any, len(g.Keys))
	for i := range g.Keys {
		k := &g.Keys[i]
		values[i] = k.Initial
		was, ok := old[k.Name]
		if !ok {
			continue
		}
		if values[i], err = k.Type.Check(k.Name, m.state.values[was]); err != nil {
			return fmt.Errorf("state key %q was %s and is now %s: %w", k.Name, m.g.Keys[was].Type, k.Type, err)
		}
	}
	queues, err := m.moveQueues(g)
	if err != nil {
		return err
	}
	if m.leaving(g) {
		m.adopts = true
		return ErrStillRunning
	}
	m.adopts, m.at = false, at
	link := m.carry(g)
	m.carryPass(g)
	m.id.Params = params
	was := m.schedule
	m.schedule = schedule
	m.cur.Hash, m.out.moved = g.Hash, true
	m.adoptWriters(g)
	m.load(g, values)
	queues()
	m.expire()
	link()
	m.reschedule(was)
	m.showState()
	m.endOldPass()
	return nil
}
