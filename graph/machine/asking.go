package machine

import (
	"fmt"
	"slices"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
)

// A task may begin to wait while it runs: for a person's word on calls of tools, or, a
// graph's, because its stack does. From then on its node is like one in the background
// until its end: it leaves the open wave with all its tasks, whose keys stay the same,
// and its result is applied when a later cycle begins. The attempt that asked does what
// needs no word, and then it is held: the task has no slot, and its next attempt begins
// when all its calls have their words. In the cursor are the questions (Cursor.Asking),
// and in the sidecar of the node what a restart needs, as for any node in the background.

// taskWaits notes that a running attempt waits for words on calls.
func (m *Machine) taskWaits(in TaskWaits) error {
	t, r := m.current(in.Key, in.Attempt, running)
	if t == nil {
		return ErrNotRunning
	}
	calls, err := m.newCalls(t, in.Calls)
	if err != nil {
		return m.stepError("ask", "limit", err.Error())
	}
	if len(calls) == 0 && (len(in.Calls) > 0 || m.waits(t, r)) {
		return nil
	}
	m.at = in.At
	m.emit(&journal.TaskWaiting{
		Wave: r.w.number, Began: m.began(r.w), Node: in.Key.Node, Item: t.item, Attempt: t.attempt, Calls: calls,
	})
	return nil
}

// newCalls are the calls that the task has not asked for before.
func (m *Machine) newCalls(t *task, given []journal.Call) (calls []journal.Call, err error) {
	size := 0
	for _, c := range given {
		if slices.Contains(t.asked, c.ID) || slices.ContainsFunc(calls, func(o journal.Call) bool { return o.ID == c.ID }) {
			continue
		}
		args, err := value.Of(c.Args)
		if err != nil {
			return nil, fmt.Errorf("arguments of call %q: %w", c.ID, err)
		}
		args = m.maskValue(args)
		if size += args.Size() + len(c.ID) + len(c.Tool); size > MaxStepBytes {
			return nil, fmt.Errorf("the calls that need a word have more than %d bytes", MaxStepBytes)
		}
		calls = append(calls, journal.Call{ID: c.ID, Tool: c.Tool, Args: args.Any()})
	}
	if len(t.asked)+len(calls) > MaxSteps {
		return nil, fmt.Errorf("a task asks for at most %d words", MaxSteps)
	}
	return calls, nil
}

// applyTaskWaiting takes the node of a task out of the open wave, if it is there, and
// adds its question. While a stack is restored, its sidecar and the cursor have both.
func (m *Machine) applyTaskWaiting(b *journal.TaskWaiting, at time.Time) {
	t, r := m.find(m.keyOf(b.Began, b.Wave, b.Node, b.Item))
	switch {
	case r == nil || r.outside:
		return
	case m.restoring:
		m.vacate(r)
		return
	case t == nil:
		return
	}
	if r.w.sidecar == nil {
		r = m.leaveWave(r)
		t, _ = m.in(r, b.Item)
	}
	asked(t, r, b)
	n := &m.g.Nodes[r.node]
	w := journal.Waiting{
		Node: n.ID, Item: t.item, Kind: n.Kind.Name, Cycle: r.w.cycle, Wave: r.w.number, Since: at, Number: t.questions, Calls: m.shownCalls(b.Calls),
	}
	if n.Deadline > 0 {
		w.Until = t.firstAt.Add(n.Deadline)
	}
	if n.Kind.Runs {
		w.Lock = m.lockOf(t, r)
	}
	if n.Timeout > 0 && n.Kind.Runs {
		w.Until = sooner(w.Until, t.startedAt.Add(n.Timeout))
	}
	m.cur.Asking = append(slices.Clip(m.cur.Asking), w)
}

// asked notes on a task what it asked for.
func asked(t *task, r *run, b *journal.TaskWaiting) {
	if t == nil {
		return
	}
	r.w.asks = true
	t.questions++
	for k := range b.Calls {
		t.asked = append(t.asked, b.Calls[k].ID)
	}
}

// leaveWave moves a node of the open wave into a wave of its own, as it stands.
func (m *Machine) leaveWave(r *run) *run {
	id := m.g.Nodes[r.node].ID
	saw := m.saw(r.node, r.w)
	w := &wave{
		open: true, left: 1, cycle: r.w.cycle, number: r.w.number, now: r.w.now,
		env: m.envOf(saw), sidecar: restored(journal.SidecarMark+"task."+id, nil),
		tasks: slices.Clone(r.w.tasks[r.first : r.first+r.n]),
	}
	moved := *r
	moved.w, moved.first, moved.again = w, 0, slices.Clone(r.again)
	for k := range moved.again {
		moved.again[k] -= r.first
	}
	if r.byKey != nil {
		moved.byKey = make(map[string]int, len(r.byKey))
		for key, x := range r.byKey { // in any order: a copy
			moved.byKey[key] = x - r.first
		}
	}
	w.runs = []run{moved}
	m.put(w.sidecar, saw, 0)
	for _, rec := range r.w.records {
		if k, is := rec.Task(); is && k.Node == id && k.Cycle == w.cycle && k.Wave == w.number {
			m.keepIn(w, rec)
		}
	}
	m.vacate(r)
	m.nodes[moved.node].apart = w
	for x := range w.tasks {
		w.tasks[x].run = 0
		r.w.forgetSteps(&w.tasks[x])
		m.arm(&w.tasks[x], &w.runs[0])
	}
	m.inBackground(moved.node, journal.Background{Node: id, Cycle: w.cycle, Wave: w.number, Since: w.now})
	return &w.runs[0]
}

// vacate leaves the place of a node in the open wave that has left it.
func (m *Machine) vacate(r *run) {
	if r.w.sidecar != nil || r.outside {
		return
	}
	for x := r.first; x < r.first+r.n; x++ {
		t := &r.w.tasks[x]
		*t = task{run: t.run, index: t.index, state: over, turns: t.turns + 1} // its timers are void
	}
	m.endRun(r)
	r.outside, r.n, r.left, r.active, r.next, r.again, r.byKey, r.attempts = true, 0, 0, 0, 0, nil, nil, 0
}

// noteInWave keeps the records of the open wave's tasks, as long as it is open: a node
// that leaves it takes them along. The steps of a task that is over are forgotten.
func (m *Machine) noteInWave(rec journal.Record) {
	w := m.waveOf(rec)
	if w == nil {
		return
	}
	switch b := rec.Body.(type) {
	case *journal.TaskStep:
		if t, r := m.find(m.steppedKey(b)); t != nil && r.w == w {
			t.noted = append(t.noted, len(w.records))
			w.records = append(w.records, rec)
		}
	case *journal.TaskFinished:
		if t, r := m.find(m.finishedKey(b)); t != nil && r.w == w && t.state == over {
			w.forgetSteps(t)
		}
		w.records = append(w.records, rec)
	case *journal.TaskStarted:
		w.records = append(w.records, rec)
	}
}

// waveOf is the open wave that a record of a task belongs to.
func (m *Machine) waveOf(rec journal.Record) *wave {
	switch {
	case m.wave.open:
		return &m.wave
	case len(m.alone) > 0:
		if key, ok := rec.Task(); ok {
			if i, known := m.plan.index[key.Node]; known {
				return m.nodes[i].alone
			}
		}
	}
	return nil
}

// forgetSteps takes the steps of a task out of the records of its open wave.
func (w *wave) forgetSteps(t *task) {
	for _, i := range t.noted {
		w.records[i] = journal.Record{}
	}
	t.noted = nil
}

// taskHeld ends an attempt that can do no more without the words that it asked for.
func (m *Machine) taskHeld(in TaskHeld) {
	t, r := m.current(in.Key, in.Attempt, running, ending)
	switch {
	case t == nil:
		return
	case t.state == ending:
		m.taskGone(t, r, in.Tokens, in.Cost)
		return
	case !m.waits(t, r) && len(t.words) == t.heard: // it would be held again and again
		m.taskFailed(TaskFailed{At: in.At, Key: in.Key, Attempt: in.Attempt, Tokens: in.Tokens, Cost: in.Cost,
			Failure: journal.Failure{Kind: "error", Permanent: true, Message: "the attempt was held and waits for no word"}})
		return
	}
	m.emit(&journal.TaskHeld{
		Wave: r.w.number, Began: m.began(r.w), Node: in.Key.Node, Item: t.item, Attempt: t.attempt, Tokens: in.Tokens, Cost: in.Cost,
	})
	m.arm(t, r)
	m.goOn(t, r)
}

func (m *Machine) applyTaskHeld(b *journal.TaskHeld) {
	m.cur.Counts.Tokens += b.Tokens
	m.cur.Counts.Cost += b.Cost
	t, r := m.find(m.keyOf(b.Began, b.Wave, b.Node, b.Item))
	if t == nil || r.outside || t.state == over {
		return
	}
	m.turn(t, r, onHold)
	m.eachQuestion(t, r, func(w *journal.Waiting) { w.Held = true })
}

// applyTaskAnswered gives a task a word. A question whose calls all have theirs is over.
func (m *Machine) applyTaskAnswered(b *journal.TaskAnswered) {
	t, r := m.find(m.keyOf(b.Began, b.Wave, b.Node, b.Item))
	if t == nil || r.outside {
		return
	}
	t.words = append(slices.Clip(t.words), b)
	m.eachQuestion(t, r, func(w *journal.Waiting) {
		w.Calls = slices.Clone(w.Calls)
		for k := range w.Calls {
			w.Calls[k].Answered = w.Calls[k].Answered || w.Calls[k].ID == b.Call
		}
	})
	m.cur.Asking = slices.DeleteFunc(m.cur.Asking, func(w journal.Waiting) bool {
		return len(w.Calls) > 0 && !slices.ContainsFunc(w.Calls, func(c journal.Call) bool { return !c.Answered })
	})
}

// goOn queues a task that was held and has all its words.
func (m *Machine) goOn(t *task, r *run) {
	if t.state != onHold || m.o.Rest || m.waits(t, r) {
		return
	}
	m.turn(t, r, idle)
	r.again = append(r.again, r.first+t.index)
	m.fill(r)
}

// waits reports whether a question of a task is open.
func (m *Machine) waits(t *task, r *run) bool {
	if len(m.cur.Asking) == 0 {
		return false
	}
	k := m.key(t, r)
	return slices.ContainsFunc(m.cur.Asking, func(w journal.Waiting) bool { return w.Task() == k })
}

// Works reports whether a node in the background has something to do: more than to wait
// for words on calls. Elements that are to begin when others have theirs wait with them.
func (m *Machine) Works() bool {
	for k := range m.cur.Background {
		w := m.nodes[m.plan.index[m.cur.Background[k].Node]].apart
		if w == nil || w.left == 0 {
			return true
		}
		r := &w.runs[0]
		for x := range w.tasks {
			switch s := w.tasks[x].state; {
			case s == over || s == onHold:
			case s != idle || r.max == 0 || r.active < r.max:
				return true
			}
		}
	}
	return false
}

// eachQuestion changes the open questions of a task, in a copy of their list.
func (m *Machine) eachQuestion(t *task, r *run, change func(*journal.Waiting)) {
	k := m.key(t, r)
	m.cur.Asking = slices.Clone(m.cur.Asking)
	for i := range m.cur.Asking {
		if w := &m.cur.Asking[i]; w.Task() == k {
			change(w)
		}
	}
}

// dropQuestions forgets the questions of a task that is over, or that starts again.
func (m *Machine) dropQuestions(t *task, r *run) {
	if m.waits(t, r) {
		k := m.key(t, r)
		m.cur.Asking = slices.DeleteFunc(slices.Clone(m.cur.Asking), func(w journal.Waiting) bool { return w.Task() == k })
	}
}
