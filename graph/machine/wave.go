package machine

import (
	"time"

	"github.com/graphrun/graphrun/graph"
)

// wave is the nodes that run together, and their tasks.
type wave struct {
	open  bool
	now   time.Time // the instant of its decisions: `now` for all its expressions
	runs  []run     // declaration order
	tasks []task    // by run, then by element
	left  int       // runs that are not over
}

// run is one node of a wave.
type run struct {
	node     int
	first, n int // its tasks
	left     int // tasks that are not over; 0: the run is over
	active   int // tasks in a queue or running
	next     int // the next element that has never been queued
	max      int // of active; 0: no bound
	again    []int
	byKey    map[string]int // task of an element
	attempts int
	err      *Failure // of the node as a whole
	written  []any    // by entry of writes; nil: not evaluated
	filling  bool     // fill is at work further up
	over     bool
}

func (w *wave) close() {
	w.open, w.left = false, 0
	clear(w.runs)
	clear(w.tasks)
	w.runs, w.tasks = w.runs[:0], w.tasks[:0]
}

// nextWave decides, and starts the nodes that are to run; without any, the
// cycle ends.
func (m *Machine) nextWave() {
	nodes := m.decide()
	if len(nodes) == 0 {
		m.finishCycle()
		return
	}
	if why := m.overLimit(); why != "" {
		m.stop(Failed, why)
		return
	}
	body := &WaveStarted{Wave: m.cur.Wave + 1, Nodes: make([]string, len(nodes))}
	for k, i := range nodes {
		body.Nodes[k] = m.g.Nodes[i].ID
	}
	for _, x := range m.early {
		if e := &m.g.Edges[x]; !m.nodes[e.To].decided {
			v := m.plan.verdict[x]
			v.Live, v.Error = m.edges[x].live, m.edges[x].err
			body.Early = append(body.Early, v)
		}
	}
	m.emit(body)
	m.openWave(nodes)
	for k := range m.wave.runs {
		m.startRun(k)
	}
}

// openWave lays out the tasks of a wave. It depends on the committed state
// alone, so that Restore lays out the same ones.
func (m *Machine) openWave(nodes []int) {
	w := &m.wave
	w.open, w.left = true, len(nodes)
	for k, i := range nodes {
		m.nodes[i].run = k
		w.runs = append(w.runs, run{node: i, first: len(w.tasks)})
		r := &w.runs[k]
		if fe := m.g.Nodes[i].ForEach; fe != nil {
			r.err = m.layElements(r, fe)
		} else {
			r.n = 1
			w.tasks = append(w.tasks, task{run: k})
		}
		r.left = r.n
		if r.left == 0 && r.err == nil {
			m.endRun(r)
		}
	}
}

// startRun queues what may be queued of a node, or records why it cannot run.
func (m *Machine) startRun(k int) {
	r := &m.wave.runs[k]
	switch {
	case r.over:
	case r.err != nil:
		m.failAtOnce(r.node, "", r.err)
	default:
		m.fill(k)
	}
}

// failAtOnce records an attempt that could not even begin.
func (m *Machine) failAtOnce(i int, item string, f *Failure) {
	id := m.g.Nodes[i].ID
	m.emit(&TaskStarted{Wave: m.cur.Wave, Node: id, Item: item, Attempt: 1})
	m.emit(&TaskFinished{Wave: m.cur.Wave, Node: id, Item: item, Attempt: 1, Status: failed.String(), Error: f})
}

func (m *Machine) endRun(r *run) {
	if !r.over {
		r.over = true
		m.wave.left--
	}
}

// closeRun ends a node at once, whatever its tasks do.
func (m *Machine) closeRun(r *run, f *Failure) {
	for k := r.first; k < r.first+r.n; k++ {
		if t := &m.wave.tasks[k]; t.state != over {
			m.turn(t, r, over)
		}
	}
	r.err = f
	m.endRun(r)
}

// result is how a node of the wave ended: what it writes, or its failure.
func (m *Machine) result(r *run) *Failure {
	n := &m.g.Nodes[r.node]
	if r.err != nil {
		return r.err
	}
	if n.ForEach == nil {
		t := &m.wave.tasks[r.first]
		if !t.ok {
			return t.err
		}
		if r.written == nil {
			r.written, r.err = m.evalWrites(n, t.output)
		}
		return r.err
	}
	outputs := make([]any, 0, r.n)
	for k := r.first; k < r.first+r.n; k++ {
		t := &m.wave.tasks[k]
		if t.ok {
			outputs = append(outputs, t.output)
		} else if n.ForEach.OnFailure != graph.Skip {
			return t.err
		}
	}
	r.written, r.err = m.evalWrites(n, outputs)
	return r.err
}
