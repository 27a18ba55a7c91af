package machine

import (
	"maps"
	"slices"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/value"
)

// A task that works over cycles stays under the text of the graph in which it began, as
// far as its node is still there: what it was given is kept with what its expressions saw.

// keepWith notes in the sidecar of a node what its tasks were given, before a changed
// graph takes over: after a restart they are given the same. Those whose `with` has secrets
// are then given what the changed text makes of what their expressions saw.
func (m *Machine) keepWith(w *wave, saw map[string]any) map[string]any {
	with := map[string]any{}
	for x := range w.tasks {
		t := &w.tasks[x]
		if given, ok := w.given(t.item); ok {
			with[t.item] = given
		}
		if t.ready && t.state != over && value.Canonical(t.with) { // else there are secrets in it, which no store keeps
			with[t.item] = t.with
		}
	}
	saw = maps.Clone(saw)
	saw["with"] = with
	o := w.sidecar
	o.list = slices.Clone(o.list)
	o.list[0] = saw
	o.whole, o.shown = true, false
	m.touch(o)
	return saw
}

// given is what a task was given under an earlier text of the graph; false if its node
// is not in the background, or the text has not changed.
func (w *wave) given(item string) (with any, ok bool) {
	if w.sidecar == nil || len(w.sidecar.list) == 0 {
		return nil, false
	}
	saw, _ := w.sidecar.list[0].(map[string]any)
	all, _ := saw["with"].(map[string]any)
	with, ok = all[item]
	return with, ok
}

// bound are the expressions that the work may evaluate while it runs (graph.Bind).
func (m *Machine) bound(calls []graph.ToolName, where *cond.Program) []*cond.Program {
	all := []*cond.Program{where}
	word := func(a *graph.Approve) {
		if a != nil {
			all = append(all, a.When)
		}
	}
	for _, c := range calls {
		switch c.Of {
		case graph.OwnTool:
			t := &m.g.Tools[c.Index]
			word(t.Approve)
			all = append(all, t.Retry.When)
			if t.With != nil {
				all = append(all, t.With.Programs()...)
			}
			all = append(all, m.bound(t.Calls, t.Where)...)
		case graph.ServersTool:
			word(m.g.Servers[c.Index].Tools[c.Tool].Approve)
		}
	}
	return all
}
