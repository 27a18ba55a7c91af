package temporaldriver

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/runtime"
)

// thinking is a stack's machine and what belongs to it. It is there in the process that
// decided last, for as long as the workflow stays in its cache.
type thinking struct {
	s      *stack
	m      *machine.Machine
	def    *definition
	queue  []machine.Task          // that have no slot yet
	since  map[attemptID]time.Time // that they are in the queue
	listed int                     // of Ready.Start: tasks that are in the queue, or have begun
	stored string                  // hash of the graph that the store has the stack under
	next   *definition             // a changed graph that waits for the end of the cycle

	d       *decision
	at      time.Time
	begun   []machine.Task // in this decision
	idled   bool           // the cycle that ended last in this decision did nothing
	running map[string]int // by pool
	using   map[string]int // by pool that is counted over all workers, or lock: slots that have tasks
	adopted uint64         // in this decision: the first cycle under another graph; 0 if it is the same
}

// atOnce bounds the attempts of one stack that run at the same time: a cluster takes at most
// 2,000 pending activities of a workflow.
const atOnce = 500

// mostKids bounds the stacks of nodes that are there at the same time, also those that wait: a
// cluster takes at most 2,000 pending children of a workflow.
const mostKids = 1500

// joins bounds how many cycles without a pause are decided together.
const joins = 64

// think decides about letters. It is called where nothing is recorded yet, changes nothing of
// the stack but its machine, and never waits.
func (s *stack) think(at time.Time, batch []letter) *decision {
	d := &decision{}
	if s.thinking == nil {
		t, err := s.wakeUp(at, batch)
		if err != nil {
			if s.cursor.Seq == 0 {
				d.failed = err.Error()
				return d
			}
			panic(err)
		}
		s.thinking = t
	}
	t := s.thinking
	t.d, t.at, t.begun, t.adopted, t.idled = d, at, nil, 0, false
	t.running, t.using = map[string]int{}, s.using()
	if t.next = nil; s.offered != nil && s.offered.Hash != t.m.Cursor().Hash {
		next, err := s.w.defs.compile(*s.offered)
		if err == nil {
			err = canRun(next.g)
		}
		if err != nil {
			d.unfit = err.Error()
		} else {
			t.next = next
		}
	}
	for _, f := range s.flights { // in any order: a sum
		t.running[f.pool]++
	}
	var held []machine.Input
	for i := range batch {
		if batch[i].in == nil {
			continue
		}
		for _, in := range batch[i].in(at) {
			switch in.(type) {
			case machine.TaskHeld, childHeld:
				held = append(held, in)
				continue
			}
			if err := t.step(in); err != nil {
				d.refused = append(d.refused, refusal{i, *err})
				break
			}
		}
	}
	d.due = s.due()
	t.settle()
	for _, in := range held { // once what follows from their waiting is decided
		if h, ok := in.(childHeld); ok {
			if !t.m.Wants(h.Key, h.Attempt) {
				continue // it is to end, and so is the child: that tells its end
			}
			in = h.TaskHeld
		}
		_ = t.step(in) // the stack may have ended
	}
	if len(held) > 0 {
		t.settle()
	}
	d.wake, d.needs = t.m.WakeAt(), t.lacks()
	standing, reason := t.m.ForChildren()
	d.leads = leading{byte(standing), reason, t.meters()}
	d.resting = len(s.flights) == 0 && len(d.begins) == 0 && t.m.WaitsOutside(at)
	d.ended = t.m.Cursor().Status.Ended()
	d.shows = d.isDue(s)
	return d
}

// step feeds the machine. What it refuses has changed nothing.
func (t *thinking) step(in machine.Input) *wireError {
	switch in := in.(type) {
	case refused:
		return &in.wireError
	case optional:
		_ = t.step(in.Input)
		return nil
	case machine.Event:
		if t.m.Known(in.ID) {
			return &wireError{Code: codeDuplicate}
		}
	}
	if err := t.m.Step(in); err != nil {
		w := toWire(err)
		return &w
	}
	return nil
}

// wakeUp makes the machine of a stack: of a new one, or where the store has it, without what is in
// a batch of letters.
func (s *stack) wakeUp(at time.Time, batch []letter) (*thinking, error) {
	t := &thinking{s: s}
	options := machine.Options{Plan: s.w.plan, By: s.in.By, Notices: s.w.o.Post != nil, Hooks: s.w.o.Hooks}
	if a := s.in.Around; a != nil {
		options.Around = func() machine.Around {
			place, _ := journal.ParsePlace(a.Place) // as it was written
			return machine.Around{Stack: a.Stack, Graph: a.Graph, Place: place, Hooks: a.Hooks}
		}
	}
	if s.cursor.Seq == 0 {
		def, err := s.w.defs.compile(s.in.Graph)
		if err != nil {
			return nil, err
		}
		if err := canRun(def.g); err != nil {
			return nil, err
		}
		init, _ := s.in.State.Any().(map[string]any)
		id := s.in.Identity
		id.CreatedAt = at
		if t.m, err = machine.New(def.g, options, id, init, at); err != nil {
			return nil, &runtime.InitError{Stack: s.name, Err: err}
		}
		t.def = def
		return t, nil
	}
	snap, err := s.store.Load(context.Background(), s.name)
	if err != nil {
		return nil, err
	}
	kept, err := s.store.Graph(context.Background(), snap.Cursor.Hash)
	if err != nil {
		return nil, err
	}
	if t.def, err = s.w.defs.compile(kept); err != nil {
		return nil, err
	}
	t.stored = snap.Cursor.Hash
	if t.m, err = machine.Continue(t.def.g, options, snap, time.Time{}, at); err != nil {
		return nil, err
	}
	for _, id := range s.lostIDs() { // no record says so: it follows from the next attempt
		if !slices.ContainsFunc(batch, func(l letter) bool { return l.of != nil && *l.of == id }) {
			_ = t.step(machine.TaskLost{At: at, Key: id.TaskKey, Attempt: id.Attempt, Clean: s.lost[id]})
		}
	}
	return t, nil
}

// lostIDs are the attempts that are known to be lost, in an order that a replay has too.
func (s *stack) lostIDs() []attemptID {
	return slices.SortedFunc(maps.Keys(s.lost), compareAttempts)
}

// settle lets the machine do all that it can do now.
func (t *thinking) settle() {
	cycles := 0
	for {
		t.adopt()
		rd, ok := t.ready()
		if !ok {
			wake := t.m.WakeAt()
			c := t.m.Cursor()
			if wake.IsZero() || wake.After(t.at) || c.Status.Ended() || t.idled || cycles == joins || len(t.begun) > 0 {
				return
			}
			if t.d.due > 0 && !c.Open {
				return // the next workflow begins the cycle
			}
			cycles++ // it is due: at once, unless the one before it has just done nothing
			_ = t.m.Step(machine.Woke{At: t.at})
			continue
		}
		t.commit(&rd)
		t.m.Advance()
		t.listed = 0
		t.follow(&rd)
	}
}

// adopt switches to a changed graph, between two cycles.
func (t *thinking) adopt() {
	if t.next == nil || t.m.Cursor().Open || t.m.Cursor().Status.Ended() {
		return
	}
	switch err := t.m.Adopt(t.next.g, t.at); {
	case errors.Is(err, machine.ErrStillRunning): // once they are gone
	case err != nil:
		t.d.unfit = err.Error()
		_ = t.m.Adopt(t.def.g, t.at) // the one that it has: it may have waited for another
		t.next = nil
	default:
		t.def, t.next = t.next, nil
		t.adopted = t.m.Cursor().Cycle + 1
	}
}

// ready is what the machine wants, with the start of all tasks that have a slot in it.
func (t *thinking) ready() (machine.Ready, bool) {
	for {
		rd, ok := t.m.Ready()
		t.enqueue(rd.Start[min(t.listed, len(rd.Start)):])
		t.listed = len(rd.Start)
		if !t.grant() {
			return rd, ok
		}
	}
}

// enqueue has tasks wait for their slots. Those that come together wait in the order of the graph.
// A machine that was made again does not know in which order its tasks came: then those that have
// begun before wait behind the others.
func (t *thinking) enqueue(tasks []machine.Task) {
	if len(tasks) == 0 {
		return
	}
	again := t.since == nil && t.s.cursor.Seq > 0
	if t.since == nil {
		t.since = map[attemptID]time.Time{}
	}
	first := len(t.queue)
	t.queue = append(t.queue, tasks...)
	slices.SortStableFunc(t.queue[first:], func(a, b machine.Task) int {
		if again && a.Attempt != b.Attempt {
			return cmp.Compare(a.Attempt, b.Attempt)
		}
		return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.Index, b.Index))
	})
	for i := range tasks {
		t.since[attemptID{tasks[i].Key, tasks[i].Attempt}] = t.at
	}
}

// sortQueue puts the tasks into the order in which they get slots: by priority, which grows while
// they wait, and then as they came.
func (t *thinking) sortQueue() {
	worth := func(q *machine.Task) int {
		return q.Priority + int(t.at.Sub(t.since[attemptID{q.Key, q.Attempt}])/aging)
	}
	slices.SortStableFunc(t.queue, func(a, b machine.Task) int {
		return cmp.Or(cmp.Compare(worth(&b), worth(&a)), cmp.Compare(b.Priority, a.Priority))
	})
}

// grant gives slots to tasks that wait, and tells the machine.
func (t *thinking) grant() (any bool) {
	if t.s.drains || len(t.queue) == 0 {
		return false
	}
	t.sortQueue()
	free, kids := atOnce-len(t.s.flights)-len(t.begun), mostKids
	for _, k := range t.s.kids { // in any order: a sum
		if k.Running {
			kids--
		}
	}
	left := t.queue[:0]
	reserved := map[string]int{} // locks
	for i := range t.queue {
		task := t.queue[i]
		lock := t.s.lockOf(task.Lock)
		if task.Key.Cycle < t.adopted { // what it is given is of the graph before
			t.d.again = true
			left = append(left, task)
			continue
		}
		if !t.hasLock(&task, lock, reserved) {
			left = append(left, task)
			continue
		}
		weight := t.s.w.inline(weightOf(&task))
		if task.Child != nil && kids <= 0 || task.Child == nil && free <= 0 || !t.hasSlot(&task) || t.d.weight > 0 && t.d.weight+weight > largestMessage {
			reserved[lock]++
			left = append(left, task)
			continue
		}
		if t.step(machine.TaskRunning{At: t.at, Key: task.Key, Attempt: task.Attempt}) != nil || !t.m.Wants(task.Key, task.Attempt) {
			continue
		}
		any = true
		if size := weightOf(&task); size > t.s.w.mostValue() {
			_ = t.step(machine.TaskFailed{At: t.at, Key: task.Key, Attempt: task.Attempt, Failure: t.s.w.tooLarge("what the node gets", size)})
			continue
		}
		t.d.weight += weight
		if task.Child != nil {
			kids--
		} else {
			free--
		}
		t.seat(&task, 1)
		t.begun = append(t.begun, task)
	}
	clear(t.queue[len(left):])
	t.queue = left
	if len(left) == 0 {
		clear(t.since)
	}
	return any
}

// poolOf is the pool of a task as the stack counts it: its place in the graph.
func (t *thinking) poolOf(task *machine.Task) string {
	if task.Pool < 0 || task.Child != nil {
		return ""
	}
	return t.def.g.Pools[task.Pool].Name
}

// commit adds a commit to the decision, unless there is only something to do.
func (t *thinking) commit(rd *machine.Ready) {
	was := &t.s.cursor
	if n := len(t.d.commits); n > 0 {
		was = &t.d.commits[n-1].Cursor
	}
	if len(rd.Records) == 0 && len(rd.Changes) == 0 &&
		rd.Cursor.Status == was.Status && rd.Cursor.Hash == t.stored && rd.Cursor.WakeAt.Equal(was.WakeAt) &&
		slices.Equal(rd.Cursor.Parked, was.Parked) && slices.Equal(rd.Cursor.Ending, was.Ending) &&
		rd.Cursor.Closing == was.Closing && rd.Cursor.Stopping == was.Stopping {
		return
	}
	c := commit{runtime.Commit{Stack: t.s.name, Records: rd.Records, Shape: t.def.shape(), Changes: rd.Changes, Cursor: rd.Cursor, Keep: t.def.g.History}}
	if was.Seq == 0 {
		id := t.m.Identity()
		c.Create = &id
	}
	if rd.Cursor.Hash != t.stored {
		c.Graph = &t.def.stored
		t.stored = rd.Cursor.Hash
	}
	for i := range rd.Memory {
		m := &rd.Memory[i]
		ref := journal.MemoryRef{Stack: t.s.name, Name: m.Memory}
		if m.Graph {
			ref = journal.MemoryRef{Graph: t.def.g.Name, Name: m.Memory}
		}
		c.Memory = append(c.Memory, runtime.MemoryWrites{Ref: ref, Keep: m.Keep, Writes: []journal.MemoryWrite{m.MemoryWrite}})
	}
	t.d.commits = append(t.d.commits, c)
	for i := range rd.Records {
		if b, ok := rd.Records[i].Body.(*journal.CycleFinished); ok {
			t.idled = !b.Active
		}
	}
}

// follow notes what is to be done once a commit is recorded.
func (t *thinking) follow(rd *machine.Ready) {
	for _, key := range rd.Cancel {
		t.queue = slices.DeleteFunc(t.queue, func(q machine.Task) bool { return q.Key == key && !t.m.Wants(key, q.Attempt) })
		t.begun = slices.DeleteFunc(t.begun, func(q machine.Task) bool {
			over := q.Key == key && !t.m.Wants(key, q.Attempt)
			if over {
				t.seat(&q, -1)
				_ = t.m.Step(machine.TaskGone{At: t.at, Key: key, Attempt: q.Attempt})
			}
			return over
		})
		t.d.begins = slices.DeleteFunc(t.d.begins, func(b begin) bool { // they have not left yet
			over := b.TaskKey == key && !t.m.Wants(key, b.Attempt) && !t.s.works(b.child)
			if over {
				t.unseat(&b)
				_ = t.m.Step(machine.TaskGone{At: t.at, Key: key, Attempt: b.Attempt})
			}
			return over
		})
		for id := range t.s.flights { // in any order: sorted below
			if id.TaskKey == key && !t.m.Wants(key, id.Attempt) {
				t.d.ends = append(t.d.ends, id)
			}
		}
		for id, k := range t.s.kids { // the same
			if of := k.Of.attempt(); of.TaskKey == key && t.s.flights[of] == nil && k.Of.Call == "" {
				t.d.ends = append(t.d.ends, of)
				_ = id
			}
		}
	}
	slices.SortFunc(t.d.ends, compareAttempts)
	for _, o := range rd.Orphans { // of a driver before this one, whose attempts are over
		_ = t.m.Step(machine.TaskFailed{At: t.at, Key: o.Key, Attempt: o.Attempt})
	}
	for i := range rd.Send {
		m := &rd.Send[i]
		if m.Hook != nil {
			t.d.notices = append(t.d.notices, notice{ID: m.ID, Event: m.Hook.Event, URL: m.Hook.URL, Secret: m.Hook.Secret, At: m.Hook.At, Body: value.Append(nil, m.Payload)})
			continue
		}
		payload, err := value.Of(m.Payload)
		if err != nil {
			panic(err) // it was canonical
		}
		t.d.sends = append(t.d.sends, sending{id: m.ID, to: m.To, event: &eventSignal{m.ID, m.Event, payload}})
	}
	t.d.drops = append(t.d.drops, rd.Children...)
	for _, l := range rd.Lost {
		t.s.w.o.Logger.Warn("a message of a stack to itself cannot be delivered", "stack", t.s.name, "node", l.Node, "event", l.Event, "error", l.Err)
	}
	for _, task := range t.begun {
		t.d.begins = append(t.d.begins, t.beginOf(task))
	}
	t.begun = nil
}

// works reports whether a stack does work of this one.
func (s *stack) works(child string) bool { k := s.kids[child]; return k != nil && k.Running }

func compareAttempts(a, b attemptID) int {
	return cmp.Or(cmp.Compare(a.Cycle, b.Cycle), cmp.Compare(a.Wave, b.Wave), cmp.Compare(a.Node, b.Node), cmp.Compare(a.Item, b.Item), cmp.Compare(a.Attempt, b.Attempt))
}

// beginOf is what an attempt needs to begin.
func (t *thinking) beginOf(task machine.Task) begin {
	n := &t.def.g.Nodes[task.Node]
	b := begin{attemptID: attemptID{task.Key, task.Attempt}, pool: t.poolOf(&task), slot: t.slotOf(&task), lock: t.s.lockOf(task.Lock), timeout: n.Timeout}
	if c := task.Child; c != nil {
		b.child = c.ID
		b.birth = t.birthOf(&task, n.Inner)
		return b
	}
	with, err := t.def.g.Carry(task.Node, task.With, task.Bound)
	if err != nil {
		panic(fmt.Errorf("node %q: %w", n.ID, err))
	}
	carried, err := value.Of(with)
	if err != nil {
		panic(err)
	}
	in := &taskInput{Identity: t.m.Identity(), Hash: t.def.g.Hash, Cycle: task.Key.Cycle, Wave: task.Key.Wave, Node: task.Key.Node, Item: task.Key.Item,
		Attempt: task.Attempt, Rerun: task.Rerun, With: carried, Metered: t.meters(), Locks: t.s.locksWithin(&task), Void: task.Void, Tokens: task.LeftTokens, Cost: task.LeftCost}
	for _, s := range task.Steps {
		in.Steps = append(in.Steps, recordOf(s))
	}
	for _, w := range task.Words {
		in.Words = append(in.Words, recordOf(w))
	}
	b.task = in
	return b
}

// recordOf is the body of a record as JSON, in the journal's own form.
func recordOf(b journal.Body) json.RawMessage {
	return journal.AppendRecord(nil, journal.Record{Body: b}, true)
}

// birthOf is what the stack of a node begins with.
func (t *thinking) birthOf(task *machine.Task, inner *graph.Graph) *Input {
	c := task.Child
	state, err := value.Of(c.State)
	if err != nil {
		panic(err)
	}
	def, err := t.s.w.defs.of(inner)
	if err != nil {
		panic(err)
	}
	return &Input{
		Around:   t.around(journal.Spot{Node: task.Key.Node, Item: task.Key.Item}),
		Graph:    def.stored,
		Taken:    t.s.in.Taken,
		Identity: journal.Identity{Stack: c.ID, Graph: inner.Name, Params: c.Params, Parent: c.Parent, MaxCycles: c.MaxCycles},
		State:    state,
		Parent: &parent{Stack: t.s.name, Cycle: task.Key.Cycle, Wave: task.Key.Wave, Node: task.Key.Node, Item: task.Key.Item, Attempt: task.Attempt,
			Metered: t.meters(), Locks: t.s.locksWithin(task)},
	}
}

// around is where the stack of a node is, for the notices of its questions.
func (t *thinking) around(at journal.Spot) *around {
	out := &around{Stack: t.s.name, Graph: t.def.g.Name, Hooks: slices.Clone(t.def.g.Hooks)}
	place := journal.Place{at}
	if a := t.s.in.Around; a != nil {
		out.Stack, out.Graph, out.Hooks = a.Stack, a.Graph, append(out.Hooks, a.Hooks...)
		if above, err := journal.ParsePlace(a.Place); err == nil {
			place = slices.Concat(above, place)
		}
	}
	out.Place = place.String()
	return out
}

// meters reports whether limits of this stack, or of one around it, count what the stacks of its
// nodes use while they work.
func (t *thinking) meters() bool {
	return t.m.MetersChildren() || t.s.in.Parent != nil && t.s.in.Parent.Metered
}
