package machine

import (
	"fmt"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
)

// taskState is where a task stands between its attempts.
type taskState uint8

const (
	idle    taskState = iota // not queued, or to be queued again
	queued                   // waits for its pool
	running                  // holds a slot
	ending                   // is to end, and its work may still run: see ending.go
	backoff                  // waits for its next attempt
	onHold                   // waits for words: see asking.go
	over
)

// counts reports whether a task in this state counts for the bound of its for_each.
func (s taskState) counts() bool {
	return s == queued || s == running || s == ending || s == onHold
}

// task is one element of a node's run, or the node itself.
type task struct {
	run       int
	index     int
	item      string // the element's key
	value     any    // the element
	state     taskState
	attempt   int              // of the last attempt that was queued or started
	tries     int              // attempts that failed
	cut       int              // the attempt that ran when the driver before this one ended, until the next begins
	byChild   bool             // it is ending, and no attempt runs: its child is to end
	fate      *journal.Failure // of an ending attempt; nil if the task runs again
	ok        bool
	output    any
	err       *journal.Failure
	with      any
	bound     graph.Bound
	ready     bool                    // with, bound, priority, lock and cacheKey are evaluated
	steps     []*journal.TaskStep     // that the next attempt is given
	void      int                     // how many of them, the first ones, are forgotten
	stepped   int                     // how many there were in all
	marked    int                     // how many marks there were in all
	noted     []int                   // where they are in the records of the open wave
	asked     []string                // ids of the calls that it asked for
	questions int                     // how often it asked
	words     []*journal.TaskAnswered // that the next attempt is given
	heard     int                     // how many of them the last attempt was given
	talk      *journal.Talk
	memory    []journal.MemoryWrite
	cacheKey  string
	crashes   int // attempts that ended with the engine
	parked    bool
	priority  int
	lock      string
	startedAt time.Time     // of the running attempt
	firstAt   time.Time     // of the first attempt
	due       time.Time     // of the next attempt, in backoff
	rest      time.Duration // how long that backoff is
	turns     uint32        // grows with every change of state: older timers are void
}

// turn moves a task to another state, and keeps count.
func (m *Machine) turn(t *task, r *run, to taskState) {
	if t.parked {
		m.leavePark(t, r)
	}
	was, is := t.state.counts(), to.counts()
	switch {
	case is && !was:
		r.active++
	case was && !is:
		r.active--
	}
	t.state = to
	t.turns++
	if to != ending {
		t.fate, t.byChild = nil, false
	}
	if to == over {
		m.forgetUsage(t, r)
		m.dropQuestions(t, r)
		t.with, t.bound, t.steps, t.void, t.asked, t.words = nil, graph.Bound{}, nil, 0, nil, nil
		if r.left--; r.left == 0 {
			m.endRun(r)
		}
	}
}

// find looks a task up in the waves that are open. A nil task with a run is the
// node as a whole, under for_each; both are nil if there is no such task.
func (m *Machine) find(key journal.TaskKey) (*task, *run) {
	i, ok := m.plan.index[key.Node]
	if !ok {
		return nil, nil
	}
	r := m.runOf(i)
	if r == nil || r.w.cycle != key.Cycle || r.w.number != key.Wave {
		return nil, nil
	}
	return m.in(r, key.Item)
}

// runOf is the run of a node whose tasks are not settled, or nil.
func (m *Machine) runOf(i int) *run {
	if b := m.nodes[i].apart; b != nil {
		return &b.runs[0]
	}
	if w := m.nodes[i].alone; w != nil {
		return &w.runs[0]
	}
	if k := m.nodes[i].run; m.wave.open && k < len(m.wave.runs) && m.wave.runs[k].node == i {
		return &m.wave.runs[k]
	}
	return nil
}

// in looks a task of a node up.
func (m *Machine) in(r *run, item string) (*task, *run) {
	each := m.g.Nodes[r.node].ForEach != nil
	switch {
	case item == "" && (each || r.n == 0):
		return nil, r
	case item == "":
		return &r.w.tasks[r.first], r
	}
	if x, ok := r.byKey[item]; ok && each {
		return &r.w.tasks[x], r
	}
	return nil, nil
}

// current is the task that an input is about, when it is about its present
// attempt.
func (m *Machine) current(key journal.TaskKey, attempt int, in ...taskState) (*task, *run) {
	t, r := m.find(key)
	if t == nil || t.attempt != attempt {
		return nil, nil
	}
	for _, s := range in {
		if t.state == s {
			return t, r
		}
	}
	return nil, nil
}

func (m *Machine) taskRunning(in TaskRunning) {
	t, r := m.current(in.Key, in.Attempt, queued)
	if t == nil {
		return
	}
	body := m.started(r, t.item, t.attempt)
	body.Crashes = t.crashes
	m.emit(body)
	m.arm(t, r)
}

func (m *Machine) taskDone(in TaskDone) {
	t, r := m.working(in.Key, in.Attempt)
	switch {
	case t == nil:
		return
	case t.state == ending:
		m.taskGone(t, r, in.Tokens, in.Cost)
		return
	}
	m.finishDone(t, r, in)
}

// finishDone masks what an attempt gave. It has to be within its bounds, and its writes
// have to fit; otherwise the attempt has failed.
func (m *Machine) finishDone(t *task, r *run, in TaskDone) {
	body := m.finished(t, r)
	body.Status, body.Tokens, body.Cost, body.NodeRuns = succeeded.String(), in.Tokens, in.Cost, in.NodeRuns
	n := &m.g.Nodes[r.node]
	output := m.maskValue(in.Output)
	talk, memory, err := m.besides(in)
	switch size := output.Size(); {
	case size > value.MaxBytes:
		body.Error = &journal.Failure{Kind: "output", Permanent: n.Kind.Inline,
			Message: fmt.Sprintf("the output has %d bytes, at most %d are allowed", size, value.MaxBytes)}
	case err != nil:
		body.Error = m.maskFailure(journal.Failure{Kind: "output", Message: err.Error()})
	default:
		body.Output, body.Talk, body.Memory = output.Any(), talk, memory
		if n.ForEach == nil && r.w.sidecar == nil {
			body.Error = m.tryWrites(r, gave{output: body.Output, talk: talk})
			r.size = size
		}
	}
	if body.Error == nil {
		body.CacheKey = m.keptUnder(t, r)
	}
	m.finish(t, r, body)
}

// working is current for an attempt that runs or is ending, and for a task whose child
// works for it.
func (m *Machine) working(key journal.TaskKey, attempt int) (*task, *run) {
	t, r := m.current(key, attempt, running, ending, onHold)
	if t != nil && t.state == onHold && !m.isHeldChild(t, r) {
		return nil, nil
	}
	return t, r
}

func (m *Machine) taskFailed(in TaskFailed) {
	t, r := m.working(in.Key, in.Attempt)
	switch {
	case t == nil:
		return
	case t.state == ending:
		if t.fate != nil && in.Failure.Output != nil && t.fate.Output == nil {
			f := *t.fate
			f.Output = in.Failure.Output
			t.fate = &f
		}
		m.taskGone(t, r, in.Tokens, in.Cost)
		return
	}
	f := in.Failure
	if f.Kind == "" {
		f.Kind = "error"
	}
	body := m.finished(t, r)
	body.Tokens, body.Cost, body.NodeRuns = in.Tokens, in.Cost, in.NodeRuns
	body.Error, body.Wait = m.maskFailure(f), max(0, in.Wait)
	m.finish(t, r, body)
}

// finished begins the record of an attempt's end.
func (m *Machine) finished(t *task, r *run) *journal.TaskFinished {
	b := &journal.TaskFinished{
		Wave: r.w.number, Began: m.began(r.w), Node: m.g.Nodes[r.node].ID, Item: t.item, Attempt: t.attempt,
	}
	if t.state == running || t.state == ending || m.isHeldChild(t, r) || t.state == onHold && m.g.Nodes[r.node].Kind.Waits {
		b.Duration = max(0, m.at.Sub(t.startedAt))
	}
	return b
}

// finish ends an attempt: for good, or until its next try.
func (m *Machine) finish(t *task, r *run, body *journal.TaskFinished) {
	if body.Error != nil {
		if t.item != "" && body.Error.Item == "" {
			f := *body.Error // what was decided for several elements
			f.Item = t.item
			body.Error = &f
		}
		body.Status = failed.String()
		body.RetryAt = m.retryAt(t, r, body)
	}
	body.Enough = m.enough(t, r, body)
	fast := body.Error != nil && body.RetryAt.IsZero() && m.fast(r) && r.failing == nil && !r.enough
	var cut []journal.TaskKey
	if fast || body.Enough { // the other elements of a for_each end with it
		m.takeBack(r, t)
		cut = m.cutOff(r, t)
	}
	m.emit(body)
	if fast || body.Enough {
		m.endRunning(r, t, cancelled("cancelled"))
		m.goneAlready(cut)
	}
	if t.state == backoff {
		m.arm(t, r)
	}
	m.fill(r)
}

func (m *Machine) key(t *task, r *run) journal.TaskKey {
	return journal.TaskKey{Cycle: r.w.cycle, Wave: r.w.number, Node: m.g.Nodes[r.node].ID, Item: t.item}
}

// enqueue gives a task to its pool, or runs it here when it takes no time.
func (m *Machine) enqueue(r *run, x int) {
	t := &r.w.tasks[x]
	n := &m.g.Nodes[r.node]
	if !t.ready {
		if f := m.prepare(t, r, n); f != nil {
			m.failBegun(t, r, f)
			return
		}
	}
	if t.attempt == 0 && m.reuse(t, r) {
		return
	}
	t.attempt++
	if n.Kind.Waits {
		m.openWait(t, r, n)
		return
	}
	if n.Kind.Inline {
		m.emit(m.started(r, t.item, t.attempt))
		m.finishInline(t, r)
		return
	}
	m.turn(t, r, queued)
	m.arm(t, r)
	start := Task{
		Key: m.key(t, r), Attempt: t.attempt, Node: r.node, Index: t.index,
		With: t.with, Bound: t.bound, Pool: n.Pool, Priority: t.priority, Lock: t.lock, Rerun: t.cut > 0, Steps: t.steps, Void: t.void, Words: t.words, Child: m.childOf(t, r),
	}
	if r.byKey != nil {
		start.Of = r.n
	}
	t.heard = len(t.words) // those that come before it begins are for the next attempt
	start.LeftTokens, start.LeftCost = m.left()
	m.out.start = append(m.out.start, start)
}

// finishInline is finishDone for a kind without work: nothing can retry it.
func (m *Machine) finishInline(t *task, r *run) {
	output := t.with
	if output == nil {
		output = map[string]any{}
	}
	v, err := value.Of(output)
	if err != nil {
		body := m.finished(t, r)
		body.Error = m.maskFailure(journal.Failure{Kind: "output", Permanent: true, Message: err.Error()})
		m.finish(t, r, body)
		return
	}
	m.finishDone(t, r, TaskDone{Output: v})
}

// failBegun ends a task whose `with` cannot be evaluated.
func (m *Machine) failBegun(t *task, r *run, f *journal.Failure) {
	t.attempt++
	m.emit(m.started(r, t.item, t.attempt))
	body := m.finished(t, r)
	body.Error = f
	m.finish(t, r, body)
}

// prepare evaluates what the attempts of a task are given.
func (m *Machine) prepare(t *task, r *run, n *graph.Node) *journal.Failure {
	env := r.w.env
	defer m.seeTask(t, r, n).done()
	if with, ok := r.w.given(t.item); ok {
		t.with = with
	} else if n.With != nil {
		with, err := m.configure(n, env)
		if err != nil {
			return m.maskFailure(*failureOf(err))
		}
		t.with = with
	}
	t.bound = m.g.Bind(n, env)
	if n.Priority != nil {
		v, err := n.Priority.Eval(env)
		if err != nil {
			return m.maskFailure(*failureOf(err))
		}
		p, ok := wholeNumber(v)
		if !ok {
			return m.maskFailure(journal.Failure{Kind: "config", Permanent: true,
				Message: fmt.Sprintf("priority is %s, expected an integer", value.String(v))})
		}
		t.priority = p
	}
	if n.Lock != nil {
		lock, err := m.lock(n, env)
		if err != nil {
			return err
		}
		t.lock = lock
	}
	if n.Cache != nil {
		key, f := m.cacheKey(n, env)
		if f != nil {
			return f
		}
		t.cacheKey = key
	}
	t.ready = true
	return nil
}

// sight is what expressions see while one of a node's tasks is prepared. It is no closure:
// every task would allocate one.
type sight struct {
	slots    []any
	hadError any
}

func (s sight) done() {
	s.slots[graph.SlotError], s.slots[graph.SlotItem], s.slots[graph.SlotIndex] = s.hadError, nil, nil
}

// seeTask shows the expressions of a node one of its tasks, until the sight is done.
func (m *Machine) seeTask(t *task, r *run, n *graph.Node) sight {
	s := r.w.env.Slots
	seen := sight{s, s[graph.SlotError]}
	if r.w.sidecar == nil {
		s[graph.SlotError] = m.errorOf(r.node)
	}
	if n.ForEach != nil {
		s[graph.SlotItem], s[graph.SlotIndex] = t.value, int64(t.index)
	}
	return seen
}

// configure evaluates a node's `with`. A machine knows no secrets: the work fills them
// in. Where the machine does the work itself, *** stands for each.
func (m *Machine) configure(n *graph.Node, env *cond.Env) (any, error) {
	if !n.Kind.Inline && !n.Kind.Waits {
		return n.With.Defer(env)
	}
	hidden := make(map[string]any, len(m.g.Secrets))
	for _, name := range m.g.Secrets {
		hidden[name] = "***"
	}
	env.Slots[graph.SlotSecrets] = hidden
	defer func() { env.Slots[graph.SlotSecrets] = nil }()
	return n.With.Eval(env)
}

func wholeNumber(v any) (int, bool) {
	switch v := v.(type) {
	case nil:
		return 0, true
	case int64:
		return int(v), true
	case float64:
		return int(v), v == float64(int(v))
	}
	return 0, false
}
