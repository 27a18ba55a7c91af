package machine

import (
	"fmt"
	"time"

	"github.com/graphrun/graphrun/graph"
)

// Restore continues from a snapshot. Tasks that were running when it was taken
// are in the first Ready again, with a higher attempt; finished ones are not.
func Restore(g *graph.Graph, o Options, s Snapshot, at time.Time) (*Machine, error) {
	if s.Cursor.Hash != g.Hash {
		return nil, fmt.Errorf("%w: the stack runs %.12s, this is %.12s", ErrGraphChanged, s.Cursor.Hash, g.Hash)
	}
	m := &Machine{o: o, id: s.Identity, at: at}
	values := make([]any, len(g.Keys))
	for i := range g.Keys {
		v, ok := s.State[g.Keys[i].Name]
		if !ok {
			v = g.Keys[i].Initial
		}
		values[i] = v
	}
	m.load(g, values)
	m.cur.Last = s.Cursor.Last
	if s.Cursor.Open {
		if err := m.reapply(s); err != nil {
			return nil, err
		}
	}
	m.cur = s.Cursor
	m.out.wakeAt = time.Time{}
	if m.wave.open {
		m.see(m.wave.now)
		m.pickUp()
	}
	m.proceed()
	return m, nil
}

// reapply makes the changes that the records of the open cycle say, without
// deciding anything again.
func (m *Machine) reapply(s Snapshot) error {
	records := s.Records
	for len(records) > 0 && records[0].Seq < s.Cursor.CycleSeq {
		records = records[1:]
	}
	if len(records) == 0 || records[0].Seq != s.Cursor.CycleSeq {
		return fmt.Errorf("machine: record %d is missing: it began cycle %d", s.Cursor.CycleSeq, s.Cursor.Cycle)
	}
	m.cur.Cycle = s.Cursor.Cycle - 1
	for i, r := range records {
		if r.Seq != s.Cursor.CycleSeq+uint64(i) {
			return fmt.Errorf("machine: record %d is missing", s.Cursor.CycleSeq+uint64(i))
		}
		if r.Seq > s.Cursor.Seq {
			break
		}
		m.apply(r.Body, r.Time, r.Seq)
		if w, ok := r.Body.(*WaveStarted); ok && !committed(records[i:], w.Wave) {
			m.see(r.Time)
			m.openWave(m.indices(w.Nodes))
		}
	}
	return nil
}

func committed(records []Record, wave uint64) bool {
	for _, r := range records {
		if c, ok := r.Body.(*WaveCommitted); ok && c.Wave == wave {
			return true
		}
	}
	return false
}

func (m *Machine) indices(names []string) []int {
	out := make([]int, 0, len(names))
	for _, n := range names {
		if i, ok := m.plan.index[n]; ok {
			out = append(out, i)
		}
	}
	return out
}

// pickUp puts the tasks of the open wave where they were: attempts that were
// cut off run again, backoffs go on, the rest is queued.
func (m *Machine) pickUp() {
	for k := range m.wave.runs {
		r := &m.wave.runs[k]
		for x := r.first; x < r.first+r.n && !r.over; x++ {
			t := &m.wave.tasks[x]
			switch {
			case t.state == running:
				t.cut = true
				m.turn(t, r, idle)
				r.again = append(r.again, x)
			case t.state == backoff && t.due.After(m.at):
				m.arm(t)
			case t.state == backoff:
				m.turn(t, r, idle)
				r.again = append(r.again, x)
			}
		}
		if !r.over {
			m.fill(k)
		}
	}
}
