package trial

import (
	"slices"
	"strings"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/sim"
)

// passed is what came to pass in one cycle.
type passed struct {
	number   uint64
	waves    [][]string
	skipped  map[string]string // by place, why
	attempts map[string]int    // by place
	sent     []any
	outputs  map[string][]any // of tasks of nodes that send, by place, until their commit
	over     bool
}

// happened is what came to pass that must never.
type happened struct {
	faults []fault
	cycles int // that are over
	growth *Growth
}

// fault is one of Nevers, and what happened.
type fault struct{ what, text string }

// note takes note of a record of a stack at a place.
func (r *run) note(s *sim.Sim, at journal.Place, rec journal.Record) {
	name := func(node string) string { return within(at, journal.TaskKey{Node: node}).String() }
	switch b := rec.Body.(type) {
	case *journal.CycleStarted:
		if len(at) == 0 {
			r.before = nil
			r.last = &passed{number: rec.Cycle, skipped: map[string]string{}, attempts: map[string]int{}, outputs: map[string][]any{}}
		}
		r.faulty(at, rec.Cycle, b.Faults)
	case *journal.NodeDecided:
		r.decided(name(b.Node), rec.Cycle, b)
	case *journal.WaveStarted:
		if len(at) == 0 {
			r.last.waves = append(r.last.waves, slices.Clone(b.Nodes))
		}
	case *journal.TaskFinished:
		if b.Error != nil {
			r.failed(within(at, journal.TaskKey{Node: b.Node, Item: b.Item}).String(), rec.Cycle, b.Error)
		} else if i, ok := s.Machine().Graph().NodeByID(b.Node); ok && s.Machine().Graph().Nodes[i].Kind.Sends && r.last != nil {
			r.last.outputs[name(b.Node)] = append(r.last.outputs[name(b.Node)], b.Output)
		}
	case *journal.WaveCommitted:
		if r.o.Cover != nil && len(at) == 0 {
			r.o.Cover.settled(b)
		}
		for i := range b.Settled {
			r.settled(name(b.Settled[i].Node), rec.Cycle, &b.Settled[i])
		}
	case *journal.CycleFinished:
		if len(at) == 0 {
			r.last.over = true
			r.cycles++
			r.grows()
			r.done = append(r.done, r.last)
		}
		r.faulty(at, rec.Cycle, b.Faults)
	case *journal.StackFinished:
		if len(at) == 0 && machine.EndedByLimit(b.Status, b.Reason) {
			r.never(LimitReached, "cycle %d: a limit ended the stack: %s", rec.Cycle, b.Reason)
		}
	}
}

func (r *run) decided(place string, cycle uint64, b *journal.NodeDecided) {
	if r.last != nil {
		if delete(r.last.skipped, place); !b.Run {
			r.last.skipped[place] = b.Reason
		}
	}
	for _, e := range b.Edges {
		if e.Error != "" {
			r.never(ConditionError, "cycle %d: the condition of an edge to %s failed: %s", cycle, place, e.Error)
		}
	}
}

func (r *run) settled(place string, cycle uint64, s *journal.Settled) {
	if s.AtCommit && s.Error != nil {
		r.failed(place, cycle, s.Error)
	}
	if r.last == nil || s.Status == "waiting" {
		return
	}
	r.last.attempts[place] = s.Attempts
	if s.Status == "succeeded" {
		r.last.sent = append(r.last.sent, r.last.outputs[place]...)
	}
	delete(r.last.outputs, place)
}

// faulty notes what failed while a cycle began or ended.
func (r *run) faulty(at journal.Place, cycle uint64, faults []string) {
	for _, f := range faults {
		where := ""
		if len(at) > 0 {
			where = at.String() + ": "
		}
		r.never(ConditionError, "cycle %d: %s%s", cycle, where, f)
	}
}

// failed notes the failure of a task.
func (r *run) failed(place string, cycle uint64, f *journal.Failure) {
	kind := f.Kind
	if kind == "config" && strings.HasPrefix(f.Message, "for_each ") { // the elements of a list that a legal value gave
		kind = ExpressionFail
	}
	switch kind {
	case SchemaFault, LimitReached, ExpressionFail:
		r.never(kind, "cycle %d: %s failed with kind %s: %s", cycle, place, f.Kind, f.Message)
	}
}
