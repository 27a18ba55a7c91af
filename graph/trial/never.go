package trial

import (
	"fmt"
	"slices"

	"github.com/graphrun/graphrun/diag"
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
			r.stuck(n.Span)
			continue
		}
		if k := slices.IndexFunc(r.faults, func(f fault) bool { return f.what == n.Value }); k >= 0 {
			r.fail(n.Span, "expected never %s, but %s", n.Value, r.faults[k].text)
		}
	}
}

// stuck fails if nothing can bring the stack on any more: not time, not one of its events,
// not an answer to what it asks.
func (r *run) stuck(at diag.Span) {
	m := r.s.Machine()
	switch {
	case r.ended() != "":
	case r.o.Stuck == nil:
		r.fail(at, "never %s is not judged here: the options of the run say nothing of it", Stuck)
	case r.o.Stuck(r.g, m, r.s.Now()):
		r.fail(at, "expected never %s, but after cycle %d no node runs, no key changes and no stop holds any more: %s; no event or answer that was tried changes that", Stuck, m.Cursor().Cycle, r.idle())
	}
}
