package machine

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/value"
)

// testKinds are `set`, `work` and `graph`, whose results the tests say, and
// those that wait.
type testKinds struct{}

func (testKinds) Names() []string {
	return []string{"approval", "graph", "send", "set", "talk", "wait", "work"}
}

func (testKinds) Kind(name string) (graph.Kind, bool) {
	switch name {
	case "set":
		return graph.Kind{Name: name, Open: true, Inline: true, NoDefaults: true, Output: func(c graph.Config) *schema.Type { return c.Type }}, true
	case "send":
		return graph.Kind{Name: name, Open: true, Sends: true}, true
	case "talk":
		return graph.Kind{Name: name, Open: true, Talks: true}, true
	case "work":
		return graph.Kind{Name: name, Open: true}, true
	case "graph":
		return graph.Kind{Name: name, Open: true, Runs: true, NoDefaults: true}, true
	case "wait":
		return graph.Kind{Name: name, Open: true, Waits: true, NoDefaults: true}, true
	case "approval":
		return graph.Kind{Name: name, Open: true, Waits: true, NoDefaults: true, Output: func(graph.Config) *schema.Type {
			return schema.ObjectOf(
				schema.Prop{Name: "approved", Type: schema.BooleanType, Required: true},
				schema.Prop{Name: "comment", Type: schema.StringType.OrNull(), Required: true},
				schema.Prop{Name: "by", Type: schema.StringType.OrNull(), Required: true},
			)
		}}, true
	}
	return graph.Kind{}, false
}

func compile(t testing.TB, src string) *graph.Graph {
	t.Helper()
	def, problems := dsl.Parse("test.yaml", []byte(src))
	if problems.HasErrors() {
		t.Fatalf("graph:\n%s\n%v", src, problems)
	}
	g, problems := graph.Compile(def, testKinds{})
	if g == nil {
		t.Fatalf("graph:\n%s\n%v", src, problems)
	}
	return g
}

func tryCompile(src string) (*graph.Graph, bool) {
	def, problems := dsl.Parse("test.yaml", []byte(src))
	if problems.HasErrors() {
		return nil, false
	}
	g, _ := graph.Compile(def, testKinds{})
	return g, g != nil
}

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// rig is a driver whose world is the test's: a clock, a store that survives
// crashes as JSON, and tasks that end when the test says so.
type rig struct {
	t     testing.TB
	g     *graph.Graph
	o     Options
	m     *Machine
	clock time.Time
	by    string                     // who gives the inputs
	tasks map[string]*given          // by NODE or NODE/ITEM
	keys  map[string]journal.TaskKey // of the last task of that name
	gone  []TaskGone                 // of attempts that were asked to end

	lingers bool         // what was asked to end does not, until leave
	print   func(string) // one line about a Ready

	committed func(Ready) // nil, or sees each Ready

	// What the store has.
	id      journal.Identity
	cursor  []byte
	state   map[string][]byte
	journal [][]byte
	records []journal.Record // all of them, as they came

	unchecked bool                     // no snapshot is compared
	snapshots int                      // that were compared
	given     *journal.Snapshot        // the last of them
	bases     []journal.Snapshot       // those between two cycles
	clean     bool                     // the next crash is a shutdown
	states    map[journal.Point]string // the state at each commit
	advances  int
	crashAt   int // crash after that many Advances; 0 means never
	crashed   bool
	swapEvery int  // the machine is replaced after each so many Advances; 0 means never
	queues    bool // after a crash, what was cut off waits for its slot
}

// given is a task in the driver's hands.
type given struct {
	task    Task
	running bool
}

func newRig(t testing.TB, g *graph.Graph) *rig {
	return &rig{
		t: t, g: g, o: Options{Fleets: true}, clock: epoch, print: func(string) {},
		tasks: map[string]*given{}, keys: map[string]journal.TaskKey{}, state: map[string][]byte{}, states: map[journal.Point]string{},
	}
}

func (r *rig) start(params, init map[string]any) error {
	id := journal.Identity{Stack: "s", Nonce: "n", Params: params, CreatedAt: r.clock}
	m, err := New(r.g, r.o, id, init, r.clock)
	if err != nil {
		return err
	}
	r.m, r.id = m, m.Identity()
	r.drain()
	return nil
}

// drain commits and does what the machine says until it has nothing to say.
func (r *rig) drain() {
	for n := 0; ; n++ {
		if n > 100_000 {
			r.t.Fatal("the machine does not come to rest")
		}
		ready, ok := r.m.Ready()
		if !ok {
			r.checkNotStuck()
			return
		}
		r.commit(ready)
		if r.committed != nil {
			r.committed(ready)
		}
		if !r.unchecked {
			r.checkSnapshot()
			r.checkSizes()
		}
		r.printReady(ready)
		r.m.Advance()
		r.advances++
		if r.advances == r.crashAt {
			r.crash()
		}
		if r.swapEvery > 0 && r.advances%r.swapEvery == 0 && len(ready.Records) > 0 {
			r.swap()
		}
		if !r.lingers {
			r.leave()
		}
	}
}

func (r *rig) commit(ready Ready) {
	begun := ""
	if slices.ContainsFunc(ready.Records, func(rec journal.Record) bool { return rec.Body.Type() == "cycle.started" }) {
		begun = r.stateText()
	}
	for rec := range journal.EachRecord(ready.Records) {
		r.journal = append(r.journal, journal.AppendRecord(nil, rec, true))
		r.records = append(r.records, rec)
	}
	for _, c := range ready.Changes {
		r.checkDelta(c)
		r.state[c.Name] = value.Append(nil, c.Value)
	}
	for rec := range journal.EachRecord(ready.Records) {
		switch b := rec.Body.(type) {
		case *journal.CycleStarted:
			r.states[journal.Point{Cycle: rec.Cycle, Start: true}] = begun
		case *journal.WaveCommitted:
			r.checkWriters(b)
			begun = r.stateText() // also of a last cycle that begins with the same commit
			if b.Wave == 0 {
				r.states[journal.Point{Cycle: rec.Cycle, Start: true}] = begun
			}
			r.states[journal.Point{Cycle: rec.Cycle, Wave: b.Number()}] = r.stateText()
		case *journal.CycleFinished, *journal.StackFinished:
			r.states[journal.Point{Cycle: rec.Cycle}] = r.stateText()
		}
	}
	r.cursor, _ = json.Marshal(ready.Cursor)
	for _, task := range ready.Start {
		r.checkCarried(&task)
		r.tasks[nameOf(task.Key)] = &given{task: task}
		r.keys[nameOf(task.Key)] = task.Key
	}
	for _, key := range ready.Cancel {
		if h := r.tasks[nameOf(key)]; h != nil && h.running {
			r.gone = append(r.gone, TaskGone{Key: key, Attempt: h.task.Attempt})
		}
		delete(r.tasks, nameOf(key))
	}
	for _, o := range ready.Orphans {
		r.gone = append(r.gone, TaskGone{Key: o.Key, Attempt: o.Attempt})
	}
}

// leave says of attempts that were asked to end that they are gone.
func (r *rig) leave() {
	gone := r.gone
	r.gone = nil
	for _, in := range gone {
		in.At = r.clock
		r.step(in)
	}
}

// checkDelta holds what a change says of a list against the whole of it.
func (r *rig) checkDelta(c graph.Change) {
	if c.Whole {
		return
	}
	if len(c.Put) == 0 && c.Drop == 0 && len(c.Set) == 0 {
		r.t.Errorf("change of %s says nothing", c.Name)
	}
	v, _ := value.Decode(r.state[c.Name])
	if object, ok := v.(map[string]any); ok {
		for _, p := range c.Set {
			object[p.Name] = p.Value
		}
		r.checkDeltaGives(c, object)
		return
	}
	list, _ := v.([]any)
	if list = list[min(c.Drop, len(list)):]; c.Drop > 0 && len(list) == 0 && len(c.Put) == 0 {
		r.t.Errorf("change of %s drops more than there is", c.Name)
	}
	for _, p := range c.Put {
		if p.At == len(list) {
			list = append(list, p.Value)
		} else {
			list[p.At] = p.Value
		}
	}
	r.checkDeltaGives(c, list)
}

func (r *rig) checkDeltaGives(c graph.Change, v any) {
	if got, want := value.String(v), value.String(c.Value); got != want {
		r.t.Errorf("change of %s comes to %s, want %s", c.Name, got, want)
	}
}

func (r *rig) stateText() string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(r.state)) {
		if strings.HasPrefix(k, journal.SidecarMark) {
			continue
		}
		fmt.Fprintf(&b, "%s = %s\n", k, r.state[k])
	}
	return b.String()
}

func nameOf(k journal.TaskKey) string {
	if k.Item != "" {
		return k.Node + "/" + k.Item
	}
	return k.Node
}

// snapshot is what a store would load.
func (r *rig) snapshot() journal.Snapshot {
	s := journal.Snapshot{Identity: r.id, State: map[string]any{}}
	if err := json.Unmarshal(r.cursor, &s.Cursor); err != nil {
		r.t.Fatal(err)
	}
	s.Cursor.Clean, r.clean = r.clean, false
	for k, b := range r.state {
		v, err := value.Decode(b)
		if err != nil {
			r.t.Fatal(err)
		}
		s.State[k] = v
	}
	for _, line := range r.journal {
		rec, err := journal.ParseRecord(line)
		if err != nil {
			r.t.Fatal(err)
		}
		if rec.Seq >= s.Cursor.CycleSeq {
			s.Records = append(s.Records, rec)
		}
	}
	return s
}

// checkNotStuck: between two cycles a stack that runs has a time to be woken at,
// or there is somebody who can wake it.
func (r *rig) checkNotStuck() {
	c := r.m.Cursor()
	if c.Status != journal.Running || c.Open || r.o.Rest || r.m.adopts || !r.m.WakeAt().IsZero() {
		return
	}
	if r.m.expects() {
		r.t.Error("the next cycle has something to begin with, and nothing wakes the stack")
	}
	asks := slices.ContainsFunc(c.Waiting, func(w journal.Waiting) bool { return !w.Answered })
	silent := r.m.g.Pause.None || r.m.g.Pause.Template != nil // the author wants it to wait for an event
	if !asks && !silent && len(c.Background) == 0 {
		r.t.Error("the stack runs, and nothing can wake it")
	}
}

// checkSnapshot holds the machine's own snapshot, read from its JSON form,
// against what the store has.
func (r *rig) checkSnapshot() {
	own, ok := r.m.Snapshot()
	if !ok {
		if !r.m.Cursor().Open || r.o.Snapshots {
			r.t.Error("no snapshot")
		}
		return
	}
	r.snapshots++
	r.given = &own
	b, err := json.Marshal(own)
	if err != nil {
		r.t.Fatal(err)
	}
	var got journal.Snapshot
	if err := json.Unmarshal(b, &got); err != nil {
		r.t.Fatal(err)
	}
	if !got.Cursor.Open {
		r.bases = append(r.bases, got)
	}
	want := r.snapshot()
	maps.DeleteFunc(want.State, func(k string, v any) bool { return v == nil && strings.HasPrefix(k, journal.SidecarMark) })
	if !r.o.Snapshots { // then it has what the next cycle begins with
		want.Records, got.Records = nil, nil
	}
	want.Cursor.Clean = got.Cursor.Clean // it is the driver's
	if d := cmp.Diff(want, got); d != "" {
		r.t.Errorf("after record %d (-stored +snapshot)\n%s", want.Cursor.Seq, d)
	}
}

// crash forgets everything but the store; attempts that were running run again
// as soon as they can.
func (r *rig) crash() {
	again := map[string]bool{}
	for name, h := range r.tasks {
		again[name] = h.running
	}
	r.crashed = true
	r.gone = nil
	r.tasks = map[string]*given{}
	m, err := Restore(r.g, r.o, r.stored(), r.clock)
	if err != nil {
		r.t.Fatalf("restore: %v", err)
	}
	r.m = m
	r.drain()
	for _, name := range slices.Sorted(maps.Keys(r.tasks)) {
		if again[name] && !r.queues {
			r.running(name)
			r.drain()
		}
	}
}

// swap replaces the machine by one that is made of what the store has. All that runs still runs.
func (r *rig) swap() {
	m, err := Continue(r.g, r.o, r.stored(), r.m.restoredAt, r.clock)
	if err != nil {
		r.t.Fatalf("continue: %v", err)
	}
	r.m = m
}

// lose ends a task with the process that ran it.
func (r *rig) lose(name string) {
	h := r.tasks[name]
	delete(r.tasks, name)
	r.step(TaskLost{At: r.clock, Key: h.task.Key, Attempt: h.task.Attempt})
}

// stored is what a restart begins with: what the store has, or as much of it as
// the machine itself gave.
func (r *rig) stored() journal.Snapshot {
	s := r.snapshot()
	if r.given != nil && r.given.Cursor.Seq == s.Cursor.Seq {
		r.given.Cursor.Clean = s.Cursor.Clean
		return *r.given
	}
	return s
}

// running gives a task its slot.
func (r *rig) running(name string) {
	h := r.tasks[name]
	if h == nil {
		r.t.Fatalf("no task %s; there are %v", name, slices.Sorted(maps.Keys(r.tasks)))
	}
	if !h.running {
		h.running = true
		r.step(TaskRunning{At: r.clock, Key: h.task.Key, Attempt: h.task.Attempt})
	}
}

func (r *rig) done(name string, output any) {
	r.running(name)
	h := r.tasks[name]
	delete(r.tasks, name)
	r.step(TaskDone{At: r.clock, Key: h.task.Key, Attempt: h.task.Attempt, Output: r.known(output)})
}

func (r *rig) fail(name string, f journal.Failure, wait ...time.Duration) {
	r.running(name)
	h := r.tasks[name]
	delete(r.tasks, name)
	r.step(TaskFailed{At: r.clock, Key: h.task.Key, Attempt: h.task.Attempt, Failure: f, Wait: append(wait, 0)[0]})
}

func (r *rig) step(in Input) {
	if err := r.m.Step(r.signed(in)); err != nil {
		r.t.Fatal(err)
	}
}
