package memstore

import (
	"fmt"
	"maps"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
)

// fork gives a new stack what it takes of another one. own is its first own record, and hash
// that of its graph.
func (s *Store) fork(st *stack, f *runtime.Fork, own uint64, hash string) error {
	from := s.stacks[f.Stack]
	if from == nil || from.id.Nonce != f.Nonce {
		return fmt.Errorf("%w: %q", runtime.ErrMoved, f.Stack)
	}
	base, ok := from.moment(f.Base, f.Now && f.State == f.Base)
	state := base
	if ok && f.State != f.Base {
		state, ok = from.moment(f.State, f.Now)
	}
	ok = ok && (!f.Now || from.cursor.Hash == hash)
	var records []journal.Record
	if f.To > 0 {
		records = from.records.wanted(journal.Want{From: f.From, To: f.To}, from.first)
		ok = ok && uint64(len(records)) == f.To-f.From+1
		for i := range records { // a copy
			records[i].Stack = st.id.Stack
		}
	}
	if !ok {
		return fmt.Errorf("%w: %q", runtime.ErrMoved, f.Stack)
	}
	st.first = own
	if f.To > 0 {
		st.first = f.From
	}
	if f.BaseCursor != nil {
		base.cursor, base.state = *f.BaseCursor, maps.Clone(base.state)
		change(base.state, f.BaseChanges)
	}
	if f.State == f.Base {
		state = base
	}
	if base.cursor.Seq > 0 {
		st.points = []point{base}
	}
	maps.Copy(st.state, state.state)
	st.records.add(records)
	for _, u := range from.usesOf(st.first, own-1) {
		st.uses = append(st.uses, u)
		s.graphs[u.hash].uses++
	}
	st.cursor.Seq = own - 1
	return nil
}

// moment is the stack as it is, or as it was at a checkpoint; nothing for 0.
func (st *stack) moment(seq uint64, now bool) (point, bool) {
	switch {
	case seq == 0:
		return point{state: map[string]any{}}, true
	case now:
		return point{cursor: st.cursor, state: st.state}, seq == st.cursor.Seq
	}
	for _, p := range st.points {
		if p.cursor.Seq == seq {
			return p, true
		}
	}
	return point{}, false
}

func change(state map[string]any, changes []graph.Change) {
	for i := range changes {
		state[changes[i].Name] = changes[i].Value
	}
}

// usesOf are the graphs that the stack needs for the records from first to last.
func (st *stack) usesOf(first, last uint64) (uses []use) {
	for i, u := range st.uses {
		after := i+1 < len(st.uses) && st.uses[i+1].from <= first
		if u.from == 0 || u.from <= last && !after {
			uses = append(uses, u)
		}
	}
	return uses
}
