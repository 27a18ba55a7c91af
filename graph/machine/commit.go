package machine

import (
	"errors"
	"slices"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
)

// writes are the entries of a node's writes that count.
func (m *Machine) writes(n *graph.Node) []graph.Write {
	if m.o.Unwritten && !n.Kind.Inline || m.blank[n.Index] {
		return nil
	}
	return n.Writes
}

// evalWrites gives what a node writes for what it gave, each value checked
// against its key's type.
func (m *Machine) evalWrites(n *graph.Node, out gave) ([]any, *journal.Failure) {
	entries := m.writes(n)
	if len(entries) == 0 {
		return []any{}, nil
	}
	written := make([]any, len(entries))
	defer m.seeGiven(n, out)()
	for k := range entries {
		w := &entries[k]
		v, err := w.Expr.Eval(m.env)
		if err != nil {
			return nil, m.maskFailure(*failureOf(err))
		}
		key := &m.g.Keys[w.Key]
		if v, err = key.CheckWritten(key.Name, v); err != nil {
			return nil, m.maskFailure(journal.Failure{Kind: "schema", Message: err.Error()})
		}
		written[k] = v
	}
	return written, nil
}

// commitWave reduces what the nodes of the wave wrote, in the order in which
// they are declared, and settles them.
func (m *Machine) commitWave(w *wave) {
	failures, told := slices.Grow(m.failures[:0], len(w.runs))[:len(w.runs)], slices.Grow(m.recorded[:0], len(w.runs))[:len(w.runs)]
	m.failures, m.recorded = failures, told
	defer clear(failures)
	var shown map[int]any // results that edges read, by run
	for k := range w.runs {
		if r := &w.runs[k]; r.outside {
			failures[k], told[k] = r.err, true
		} else {
			failures[k], told[k] = m.result(r)
			if m.plan.results[r.node].edges {
				list, f := m.shownResults(r)
				if shown == nil {
					shown = map[int]any{}
				}
				if shown[k] = list; f != nil && failures[k] == nil {
					failures[k], told[k] = f, false
				}
			}
		}
		if w.alone && failures[k] == nil && m.nodes[w.runs[k].node].lost {
			failures[k] = cancelled("cancelled")
		}
	}
	changes, sizes := m.reduce(w, failures)
	body := &journal.WaveCommitted{Wave: w.number, Settled: make([]journal.Settled, len(w.runs))}
	for k := range w.runs {
		r := &w.runs[k]
		s := journal.Settled{Node: m.g.Nodes[r.node].ID, Status: succeeded.String(), Attempts: max(1, r.attempts)}
		e := journal.Each{Results: shown[k]}
		e.Failed, e.Of = m.failedOf(r)
		switch {
		case w.alone && m.nodes[r.node].lost:
			lostAs(&s)
		case failures[k] != nil:
			s.Status, s.Error, s.AtCommit = failed.String(), failures[k], !told[k]
		case r.outside:
			s.Status, s.Attempts = waiting.String(), 1
		default:
			e.Order = m.sendingOrder(r)
			m.send(r)
			m.putMemory(r)
		}
		s.SetElements(e)
		body.Settled[k] = s
		if !r.outside {
			m.keepChildren(r)
		}
	}
	if w.alone {
		body.Commit = m.cur.Commit + 1
		m.keepPast(w, changes)
	}
	var wrote writing
	for _, c := range changes {
		m.writtenBy(&wrote, w, c.Key, failures)
	}
	body.Writers = wrote.list
	for i, c := range changes {
		body.Changed = append(body.Changed, c.Name)
		m.set(c.Key, c.Value, sizes[i])
	}
	m.commitChanges(changes, &wrote, body.Number())
	m.out.committed = true
	m.emit(body)
}

// reduce gives the changes of a wave, and the sizes of the values that they
// leave behind. A node whose write makes a key's value unfit fails too, and is
// left out altogether.
func (m *Machine) reduce(w *wave, failures []*journal.Failure) ([]graph.Change, []int) {
	touched := m.touched(w, failures)
	for {
		changes, sizes, bad, f := m.reduceKeys(w, touched, failures)
		if f == nil {
			return changes, sizes
		}
		failures[bad] = f
	}
}

// touched lists the keys that the wave writes, in declaration order.
func (m *Machine) touched(w *wave, failures []*journal.Failure) (touched []int) {
	for k := range w.runs {
		if r := &w.runs[k]; failures[k] == nil && !r.outside {
			for _, e := range m.writes(&m.g.Nodes[r.node]) {
				touched = append(touched, e.Key)
			}
		}
	}
	slices.Sort(touched)
	return slices.Compact(touched)
}

// reduceKeys tries to reduce all keys; when one does not come out, bad is the
// run to blame.
func (m *Machine) reduceKeys(w *wave, touched []int, failures []*journal.Failure) (changes []graph.Change, sizes []int, bad int, f *journal.Failure) {
	if len(touched) == 0 {
		return nil, nil, 0, nil
	}
	grown := m.measured()
	type sized struct{ key, size int }
	var before []sized
	defer func() { // they are tried: a commit sets them
		for _, b := range before {
			grown.Set(b.key, b.size)
		}
	}()
	for _, key := range touched {
		values, runs := m.writesTo(w, key, failures)
		if len(values) == 0 {
			continue
		}
		old, was := m.state.values[key], grown.Key(key)
		c, size, changed, err := m.reduceKey(grown, key, old, was, values, &w.runs[runs[len(runs)-1]])
		if err == nil {
			if changed {
				grown.Set(key, size)
				changes, sizes, before = append(changes, c), append(sizes, size), append(before, sized{key, was})
			}
			continue
		}
		// The first node after whose write the value does not fit is to blame.
		for n := 1; n <= len(values); n++ {
			if _, _, _, err = m.reduceKey(grown, key, old, was, values[:n], &w.runs[runs[n-1]]); err != nil || n == len(values) {
				return nil, nil, runs[n-1], m.reduceFailure(err)
			}
		}
	}
	return changes, sizes, 0, nil
}

// measured is how large the state is. It is walked once, when something is to
// be written for the first time since the stack was loaded.
func (m *Machine) measured() *graph.Sizes {
	if m.sizes == nil {
		s := graph.Measure(m.state.values)
		m.sizes = &s
	}
	return m.sizes
}

// reduceKey reduces values into a key within the bounds of a value and of the
// state. old is what the key is reduced from, was its size; last is the run that
// wrote the last value, or nil.
func (m *Machine) reduceKey(sizes *graph.Sizes, key int, old any, was int, values []any, last *run) (c graph.Change, size int, changed bool, err error) {
	known := false
	if last != nil { // what a node of the wave writes was checked
		c, changed, known = m.g.Replace(key, old, values[len(values)-1])
	}
	if !known {
		c, changed, err = m.g.Reduce(key, old, values, m.env)
	}
	if err != nil || !changed {
		return c, was, false, err
	}
	if last != nil && last.size > 0 && c.Whole && value.Same(c.Value, last.w.tasks[last.first].output) {
		size = last.size // the output became the value
	} else {
		size = c.Size(old, was)
	}
	return c, size, true, sizes.Check(m.g, key, size)
}

func (m *Machine) reduceFailure(err error) *journal.Failure {
	f := journal.Failure{Kind: "schema", Message: "the reduced value does not fit"}
	var ce *cond.Error
	var large *graph.TooLarge
	switch {
	case errors.As(err, &ce):
		f = *failureOf(err)
	case errors.As(err, &large):
		f = journal.Failure{Kind: "limit", Message: err.Error()}
	case err != nil:
		f.Message = err.Error()
	}
	return m.maskFailure(f)
}

// writesTo lists what the wave writes to a key, and which run each value is of.
func (m *Machine) writesTo(w *wave, key int, failures []*journal.Failure) (values []any, runs []int) {
	for k := range w.runs {
		r := &w.runs[k]
		if failures[k] != nil || r.outside {
			continue
		}
		for x, e := range m.writes(&m.g.Nodes[r.node]) {
			if e.Key == key {
				values, runs = append(values, r.written[x]), append(runs, k)
			}
		}
	}
	return values, runs
}
