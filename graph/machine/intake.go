package machine

import (
	"fmt"
	"slices"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
)

// arrivals are what came in since the last cycle began: events in the order of
// their arrival, and nodes that were waiting or in the background and are over,
// in the order of their declaration.
type arrivals struct {
	events []arrived
	nodes  []int
}

// expects reports whether something waits to be applied when the next cycle begins.
func (m *Machine) expects() bool {
	return len(m.inbox) > 0 || m.canServe() ||
		slices.ContainsFunc(m.cur.Waiting, func(w journal.Waiting) bool { return w.Answered }) ||
		slices.ContainsFunc(m.cur.Background, func(b journal.Background) bool { return b.Over })
}

func (m *Machine) intake(events []arrived) arrivals {
	in := arrivals{events: events}
	for _, w := range m.cur.Waiting {
		if w.Answered {
			in.nodes = append(in.nodes, m.plan.index[w.Node])
		}
	}
	for _, b := range m.cur.Background {
		if b.Over {
			in.nodes = append(in.nodes, m.plan.index[b.Node])
		}
	}
	slices.Sort(in.nodes)
	return in
}

// takeIn applies the arrivals in one commit with the beginning of the cycle.
func (m *Machine) takeIn(in arrivals, body *journal.CycleStarted) {
	if len(in.events)+len(in.nodes) == 0 {
		return
	}
	m.see(m.at)
	j := folding{m: m, by: map[int]*folded{}}
	body.Faults = j.events(in.events)
	m.cycle.fault = len(body.Faults) > 0
	commit := &journal.WaveCommitted{}
	for _, i := range in.nodes {
		commit.Settled = append(commit.Settled, m.settleOutside(i, &j))
	}
	var changes []graph.Change
	var wrote writing
	for k := range m.g.Keys {
		if t := j.by[k]; t != nil && t.changed {
			commit.Changed = append(commit.Changed, t.change.Name)
			changes = append(changes, t.change)
			m.fold(&wrote, k, t.before, t.values, t.from)
		}
	}
	commit.Writers = wrote.list
	m.commitChanges(changes, &wrote, 0)
	if len(commit.Changed)+len(commit.Settled) > 0 {
		m.out.committed = true
		m.emit(commit)
	}
}

// settleOutside is how a node ends that was waiting or in the background. Its
// writes see the state of this moment.
func (m *Machine) settleOutside(i int, j *folding) journal.Settled {
	n := &m.g.Nodes[i]
	s := journal.Settled{Node: n.ID, Status: succeeded.String(), Attempts: 1}
	var out gave
	if b := m.nodes[i].answer; b != nil {
		out.output, s.Error = b.Output, b.Error
	} else {
		r := &m.nodes[i].apart.runs[0]
		s.Attempts = max(1, r.attempts)
		out, s.Error = m.outputOf(r)
		e := journal.Each{Order: m.sendingOrder(r)}
		e.Failed, e.Of = m.failedOf(r)
		var f *journal.Failure
		if e.Results, f = m.shownResults(r); s.Error == nil {
			s.Error = f
		}
		s.SetElements(e)
	}
	if m.isLost(i) {
		lostAs(&s)
		if b := m.nodes[i].apart; b != nil {
			m.keepChildren(&b.runs[0])
		}
		return s
	}
	if s.Error == nil {
		var written []any
		if written, s.Error = m.evalWrites(n, out); s.Error == nil {
			s.Error = j.write(n, written, m.settledBy(i))
		}
		s.AtCommit = s.Error != nil
	}
	if s.Error != nil {
		s.Status = failed.String()
		forgetOrder(&s)
	} else if b := m.nodes[i].apart; b != nil {
		m.send(&b.runs[0])
		m.putMemory(&b.runs[0])
	}
	if b := m.nodes[i].apart; b != nil {
		m.keepChildren(&b.runs[0])
	}
	return s
}

// forgetOrder takes back that a node sends messages.
func forgetOrder(s *journal.Settled) {
	e := s.Elements()
	e.Order = nil
	s.SetElements(e)
}

// folding reduces values into the state one after the other. Each key is
// reduced from what the store has, so that it changes once.
type folding struct {
	m  *Machine
	by map[int]*folded
}

type folded struct {
	before  any
	size    int // of before
	values  []any
	from    []source // of each value
	change  graph.Change
	changed bool
}

// write is a value for a key.
type write struct {
	value any
	from  source
}

// add reduces more values into a key, all or none.
func (j *folding) add(key int, writes ...write) error {
	t := j.by[key]
	if t == nil {
		t = &folded{before: j.m.state.values[key], size: j.m.measured().Key(key)}
		j.by[key] = t
	}
	values, from := slices.Clip(t.values), slices.Clip(t.from)
	for _, w := range writes {
		values, from = append(values, w.value), append(from, w.from)
	}
	return j.reduce(key, values, from)
}

func (j *folding) reduce(key int, values []any, from []source) error {
	t := j.by[key]
	c, size, changed, err := j.m.reduceKey(j.m.sizes, key, t.before, t.size, values, nil)
	if err != nil {
		return err
	}
	t.values, t.from, t.change, t.changed = values, from, c, changed
	v := t.before
	if changed {
		v = c.Value
	}
	j.m.set(key, v, size)
	j.m.env.Reset()
	return nil
}

// events applies payloads. One that its key does not take is left out, and said.
func (j *folding) events(all []arrived) (faults []string) {
	payloads := make(map[int][]write)
	var order []int
	for _, e := range all {
		i, ok := j.m.g.EventByName(e.Event)
		if !ok {
			faults = append(faults, fmt.Sprintf("event %q is not in the graph any more", e.Event))
			continue
		}
		key := j.m.g.Events[i].Key
		if key < 0 { // a changed graph queues it
			j.m.enlist(e.EventReceived, e.at, e.seq)
			continue
		}
		if _, seen := payloads[key]; !seen {
			order = append(order, key)
		}
		payloads[key] = append(payloads[key], write{e.Payload, source{event: e.Event}})
	}
	for _, key := range order {
		if j.add(key, payloads[key]...) == nil {
			continue
		}
		for _, p := range payloads[key] {
			if err := j.add(key, p); err != nil {
				f := j.m.reduceFailure(err)
				faults = append(faults, fmt.Sprintf("an event for state.%s: %s", j.m.g.Keys[key].Name, f.Message))
			}
		}
	}
	return faults
}

// write reduces what a node writes, all or nothing.
func (j *folding) write(n *graph.Node, written []any, from source) *journal.Failure {
	entries := j.m.writes(n)
	for x, w := range entries {
		err := j.add(w.Key, write{written[x], from})
		if err == nil {
			continue
		}
		for back := range entries[:x] {
			key := entries[back].Key
			t := j.by[key]
			last := len(t.values) - 1
			if err := j.reduce(key, t.values[:last], t.from[:last]); err != nil {
				return j.m.reduceFailure(err)
			}
		}
		return j.m.reduceFailure(err)
	}
	return nil
}

// applyTakenIn settles what was outside and is over.
func (m *Machine) applyTakenIn(b *journal.WaveCommitted) {
	for k := range b.Settled {
		s := &b.Settled[k]
		i, ok := m.plan.index[s.Node]
		if !ok {
			continue
		}
		n := &m.nodes[i]
		if n.apart != nil {
			m.empty(n.apart.sidecar)
		}
		n.decided, n.answer, n.apart = true, nil, nil
		n.attempts, n.err, n.results = s.Attempts, s.Error, s.Elements().Results
		m.cycle.settled++
		if s.Status == failed.String() {
			m.cycle.failed = append(m.cycle.failed, i)
			m.cur.Counts.Failures++
		}
		m.settleLost(i, s)
		m.settle(i, statusNamed(s.Status))
		m.cur.Waiting = slices.DeleteFunc(slices.Clone(m.cur.Waiting), func(w journal.Waiting) bool { return w.Node == s.Node })
		m.cur.Background = slices.DeleteFunc(slices.Clone(m.cur.Background), func(b journal.Background) bool { return b.Node == s.Node })
	}
	m.show()
}

// outside calls f for the nodes that continued from an earlier cycle.
func (m *Machine) outside(f func(i int)) {
	for _, w := range m.cur.Waiting {
		if i, ok := m.plan.index[w.Node]; ok && w.Item == "" && w.Cycle < m.cur.Cycle {
			f(i)
		}
	}
	for _, b := range m.cur.Background {
		if i, ok := m.plan.index[b.Node]; ok && b.Cycle < m.cur.Cycle {
			f(i)
		}
	}
}

// isOutside reports whether a node continued from an earlier cycle.
func (m *Machine) isOutside(i int) (is bool) {
	m.outside(func(k int) { is = is || k == i })
	return is
}
