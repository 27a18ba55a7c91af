package machine

import (
	"slices"
	"time"

	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/journal"
)

// wave is the nodes that run together, and their tasks. A node in the
// background is a wave of its own, beside the one that started it.
type wave struct {
	open    bool
	cycle   uint64 // with number: what its tasks are known by
	number  uint64
	now     time.Time // the instant of its decisions: `now` for all its expressions
	env     *cond.Env // what its nodes are given is evaluated in
	runs    []run     // declaration order
	tasks   []task    // by run, then by element
	left    int       // runs that are not over
	timers  timers
	records []journal.Record // of its tasks, of the open wave: see noteInWave
	asks    bool             // a task of it began to wait while it ran
	sidecar *sidecar         // a background node's: what it has to outlive a restart; else nil
	alone   bool             // of one node, under waves: eager; what it needs then is in after and past
	after   uint64           // the last commit before its decision
	past    bool             // env sees the state as it was, and not as it is

	overAt    time.Time // alone: when its run was over
	overAfter uint64    // and the last commit before that
}

// run is one node of a wave.
type run struct {
	w        *wave
	node     int
	outside  bool // it waits or is in the background, and does not belong to the wave any more
	first, n int  // its tasks
	left     int  // tasks that are not over; 0 if the run is over
	active   int  // tasks in a queue or running
	next     int  // the next element that has never been queued
	max      int  // of active; 0 for no bound
	again    []int
	byKey    map[string]int // task of an element
	attempts int
	err      *journal.Failure // of the node as a whole
	failing  *journal.Failure // of the element that failed first, under on_failure: fast
	enough   bool             // `until` holds: nothing more begins, and the node succeeds
	results  []any            // see Machine.results; nil before the first use
	leaving  bool             // a changed graph does not have it any more
	written  []any            // by entry of writes; nil if not evaluated
	size     int              // of the output that they were evaluated for; 0 if not known
	filling  bool             // fill is at work further up
	over     bool
}

func (w *wave) close() {
	w.open, w.left = false, 0
	w.timers.clear()
	clear(w.runs)
	clear(w.tasks)
	clear(w.records)
	w.runs, w.tasks, w.records = w.runs[:0], w.tasks[:0], w.records[:0]
}

// nextWave decides, and starts the nodes that are to run; without any, only the
// end of the cycle is left.
func (m *Machine) nextWave() {
	m.released = false
	nodes := m.decide()
	if len(nodes) == 0 && !(m.g.Eager && slices.ContainsFunc(m.early, m.judgedAhead)) {
		m.cycle.spent = !m.g.Eager
		return
	}
	if why := m.overLimit(); why != "" {
		m.stopAs(limited(why))
		return
	}
	body := &journal.WaveStarted{Wave: m.cur.Wave + 1, Nodes: make([]string, len(nodes))}
	for k, i := range nodes {
		body.Nodes[k] = m.g.Nodes[i].ID
	}
	slices.Sort(m.early) // after a crash they are judged in another order
	for _, x := range m.early {
		if m.judgedAhead(x) {
			v := m.plan.verdict[x]
			v.Live, v.Error = m.edges[x].live, m.edges[x].err
			body.Early = append(body.Early, v)
		}
	}
	m.emit(body)
	if m.g.Eager {
		m.openEach(nodes)
	} else {
		m.openWave(nodes)
		for k := range m.wave.runs {
			m.startRun(&m.wave.runs[k])
		}
	}
	m.endLosers(nodes)
}

// openWave lays out the tasks of a wave. It depends on the committed state
// alone, so that Restore lays out the same ones.
func (m *Machine) openWave(nodes []int) {
	w := &m.wave
	w.open, w.left, w.env = true, len(nodes), m.env
	for k, i := range nodes {
		m.nodes[i].run = k
		w.runs = append(w.runs, run{w: w, node: i, outside: m.g.Nodes[i].Outside()})
		if r := &w.runs[k]; r.outside {
			m.endRun(r)
		} else {
			m.layRun(r, k)
		}
	}
}

// layRun lays out the tasks of run k of its wave.
func (m *Machine) layRun(r *run, k int) {
	r.first = len(r.w.tasks)
	if fe := m.g.Nodes[r.node].ForEach; fe != nil {
		r.err = m.layElements(r, k, fe)
	} else {
		r.n = 1
		r.w.tasks = append(r.w.tasks, task{run: k})
	}
	r.left = r.n
	if r.left == 0 && r.err == nil {
		m.endRun(r)
	}
}

// startRun queues what may be queued of a node, or records why it cannot run.
func (m *Machine) startRun(r *run) {
	switch n := &m.g.Nodes[r.node]; {
	case r.outside && m.nodes[r.node].lost: // it is over before it begins to wait
	case r.outside && n.Kind.Waits && n.ForEach == nil:
		m.beginToWait(r)
	case r.outside: // under for_each, waits too
		m.beginBackground(r)
	case r.over:
	case r.err != nil:
		m.failAtOnce(r, r.err)
	default:
		m.fill(r)
	}
}

// failAtOnce records an attempt that could not even begin.
func (m *Machine) failAtOnce(r *run, f *journal.Failure) {
	m.emit(m.started(r, "", 1))
	m.emit(&journal.TaskFinished{
		Wave: r.w.number, Began: m.began(r.w), Node: m.g.Nodes[r.node].ID, Attempt: 1,
		Status: failed.String(), Error: f,
	})
}

// started is the record of an attempt's beginning.
func (m *Machine) started(r *run, item string, attempt int) *journal.TaskStarted {
	return &journal.TaskStarted{Wave: r.w.number, Began: m.began(r.w), Node: m.g.Nodes[r.node].ID, Item: item, Attempt: attempt}
}

// began is the cycle of a wave, unless it is the present one.
func (m *Machine) began(w *wave) uint64 {
	if w.cycle == m.cur.Cycle {
		return 0
	}
	return w.cycle
}

func (m *Machine) endRun(r *run) {
	if !r.over {
		r.over = true
		r.w.left--
		if r.w.alone {
			m.runOver(r)
		}
	}
}

// closeRun ends a node at once, whatever its tasks do.
func (m *Machine) closeRun(r *run, f *journal.Failure) {
	for k := r.first; k < r.first+r.n; k++ {
		if t := &r.w.tasks[k]; t.state != over {
			m.turn(t, r, over)
		}
	}
	r.err = f
	m.endRun(r)
}

// result is how a node of the wave ended: what it writes, or its failure, and
// whether a TaskFinished tells of it: what for_each writes is evaluated when
// all its tasks are over.
func (m *Machine) result(r *run) (f *journal.Failure, told bool) {
	if r.err != nil || r.written != nil {
		return r.err, r.err != nil
	}
	out, f := m.outputOf(r)
	if f != nil {
		return f, true
	}
	r.written, r.err = m.evalWrites(&m.g.Nodes[r.node], out)
	return r.err, false
}

// tryWrites evaluates what a node writes as soon as its output is there: where it does
// not fit, the attempt has failed. Under `waves: eager` the commit evaluates it again,
// since the state may change until then.
func (m *Machine) tryWrites(r *run, out gave) *journal.Failure {
	if r.w.alone {
		m.see(m.at)
	}
	written, f := m.evalWrites(&m.g.Nodes[r.node], out)
	if !r.w.alone {
		r.written = written
	}
	return f
}
