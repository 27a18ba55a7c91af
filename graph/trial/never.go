package trial

import (
	"fmt"
	"slices"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
)

// never notes what must not happen where a test says so.
func (h *happened) never(what, format string, args ...any) {
	h.faults = append(h.faults, fault{what, fmt.Sprintf(format, args...)})
}

// grows notes which keys have grown, in a test that says they must never.
func (r *run) grows() {
	if r.growth == nil || !r.growth.Due(r.cycles) {
		return
	}
	for _, k := range r.growth.Mark(r.g.Keys, r.s.Machine().State()) {
		r.never(Grows, "state.%s has %d after %d cycles and %d after %d", r.g.Keys[k.Key].Name, k.From, FarCycles/4, k.To, FarCycles)
	}
}

// nevers fails for each thing that happened and must never, once.
func (r *run) nevers() {
	for i := range r.t.Never {
		n := &r.t.Never[i]
		if n.Value == Stuck && !r.broken {
			r.probe(n.Span)
			continue
		}
		if k := slices.IndexFunc(r.faults, func(f fault) bool { return f.what == n.Value }); k >= 0 {
			r.fail(n.Span, "expected never %s, but %s", n.Value, r.faults[k].text)
		}
	}
}

// idleCycles is how many cycles in a row without any effect show that time brings a stack
// no further.
const idleCycles = 3

// probe fails if nothing can bring the stack on any more: not time, not one of its events,
// not an answer to what it asks.
func (r *run) probe(at diag.Span) {
	if r.ended() != "" || r.o.Stuck == nil && r.moves() {
		return
	}
	m := r.s.Machine()
	cursor := m.Cursor()
	if r.o.Stuck != nil {
		if r.o.Stuck(r.g, m, r.s.Now()) {
			r.fail(at, "expected never %s, but after cycle %d no node runs, no key changes and no stop holds any more: %s; no event or answer that was tried changes that", Stuck, cursor.Cycle, r.idle())
		}
		return
	}
	tried := "no event is declared"
	if len(r.g.Events) > 0 {
		tried = "no declared event changes that"
	}
	for i := range r.g.Events {
		e := &r.g.Events[i]
		payload, _ := e.Type.Zero()
		if err := r.s.Step(machine.Event{At: r.s.Now(), Name: e.Name, Payload: payload}); err == nil && r.moves() {
			return
		}
	}
	for _, q := range cursor.Questions() {
		for _, yes := range []bool{true, false} {
			in := machine.Answer{At: r.s.Now(), Node: q.Node, Item: q.Item, Output: map[string]any{"approved": yes}}
			if err := r.s.Step(in); err == nil && r.moves() {
				return
			}
		}
	}
	r.fail(at, "expected never %s, but after cycle %d no node runs, no key changes and no stop holds any more: %s; %s", Stuck, cursor.Cycle, r.idle(), tried)
}

// moves lets time pass, and reports whether something came of it.
func (r *run) moves() bool {
	r.active = false
	idle := 0
	err := r.s.Until(func(rec journal.Record) bool {
		if rec.Body.Type() == "cycle.finished" {
			idle++
		}
		return r.active || r.broken || idle >= idleCycles
	})
	return err != nil || r.active || r.broken || r.ended() != ""
}
