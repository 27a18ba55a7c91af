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
	return []string{"approval", "graph", "send", "set", "wait", "work"}
}

func (testKinds) Kind(name string) (graph.Kind, bool) {
	switch name {
	case "set":
		return graph.Kind{Name: name, Open: true, Inline: true, NoDefaults: true, Output: func(c graph.Config) *schema.Type { return c.Type }}, true
	case "send":
		return graph.Kind{Name: name, Open: true, Sends: true}, true
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
	tasks map[string]*given          // by NODE or NODE/ITEM
	keys  map[string]journal.TaskKey // of the last task of that name
	gone  []TaskGone                 // of attempts that were asked to end

	lingers bool         // what was asked to end does not, until leave
	print   func(string) // one line about a Ready

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
		if !r.lingers {
			r.leave()
		}
	}
}

func (r *rig) commit(ready Ready) {
	for _, rec := range ready.Records {
		r.journal = append(r.journal, journal.AppendRecord(nil, rec, true))
		r.records = append(r.records, rec)
	}
	for _, c := range ready.Changes {
		r.checkDelta(c)
		r.state[c.Name] = value.Append(nil, c.Value)
	}
	for _, rec := range ready.Records {
		switch b := rec.Body.(type) {
		case *journal.WaveCommitted:
			r.states[journal.Point{Cycle: rec.Cycle, Wave: b.Wave}] = r.stateText()
		case *journal.CycleFinished, *journal.StackFinished:
			r.states[journal.Point{Cycle: rec.Cycle}] = r.stateText()
		}
	}
	r.cursor, _ = json.Marshal(ready.Cursor)
	for _, task := range ready.Start {
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
		if again[name] {
			r.running(name)
			r.drain()
		}
	}
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

func (r *rig) fail(name string, f journal.Failure) {
	r.running(name)
	h := r.tasks[name]
	delete(r.tasks, name)
	r.step(TaskFailed{At: r.clock, Key: h.task.Key, Attempt: h.task.Attempt, Failure: f})
}

func (r *rig) step(in Input) {
	if err := r.m.Step(in); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) printReady(ready Ready) {
	for _, rec := range ready.Records {
		r.print(r.recordText(rec))
	}
	for _, c := range ready.Changes {
		if !strings.HasPrefix(c.Name, journal.SidecarMark) {
			r.print(changeText(c))
		}
	}
	for _, t := range ready.Start {
		line := fmt.Sprintf("start %s#%d", nameOf(t.Key), t.Attempt)
		if t.With != nil {
			line += " with " + value.String(t.With)
		}
		if t.Priority != 0 {
			line += fmt.Sprintf(" priority %d", t.Priority)
		}
		if t.Rerun {
			line += " rerun"
		}
		for _, s := range t.Steps {
			line += fmt.Sprintf(" step %d %s %s", s.Step, s.Name, value.String(s.Content))
		}
		r.print(line)
	}
	for _, k := range ready.Cancel {
		r.print("cancel " + nameOf(k))
	}
	for _, m := range ready.Send {
		r.print(fmt.Sprintf("send %s to %s: %s %s", m.ID, m.To, m.Event, value.String(m.Payload)))
	}
	for _, m := range ready.Lost {
		r.print(fmt.Sprintf("lost %s: %v", m.ID, m.Err))
	}
	if !ready.WakeAt.IsZero() {
		r.print("wake " + r.relative(ready.WakeAt))
	}
	for _, w := range ready.Cursor.Waiting {
		line := "waiting " + w.Node
		if w.With != nil {
			line += " " + value.String(w.With)
		}
		for _, t := range []struct {
			name string
			at   time.Time
		}{{"due", w.Due}, {"until", w.Until}} {
			if !t.at.IsZero() {
				line += " " + t.name + " " + r.relative(t.at)
			}
		}
		if w.Answered {
			line += " answered"
		}
		r.print(line)
	}
	for _, b := range ready.Cursor.Background {
		r.print(fmt.Sprintf("background %s over=%t", b.Node, b.Over))
	}
	for _, p := range ready.Cursor.Parked {
		r.print("parked " + nameOf(p.Key()) + " until " + r.relative(p.Until))
	}
	if ready.Cursor.Stopping != "" {
		r.print("stopping: " + ready.Cursor.Stopping)
	}
	if ready.Cursor.Status == journal.Paused {
		r.print("paused")
	}
}

// relative is a time as seconds since the test's beginning.
func (r *rig) relative(t time.Time) string { return "at " + t.Sub(epoch).String() }

func changeText(c graph.Change) string {
	if c.Whole {
		return fmt.Sprintf("%s = %s", c.Name, value.String(c.Value))
	}
	line := c.Name
	if c.Drop > 0 {
		line += fmt.Sprintf(" drop %d", c.Drop)
	}
	for _, p := range c.Set {
		line += fmt.Sprintf(" .%s=%s", p.Name, value.String(p.Value))
	}
	for _, p := range c.Put {
		line += fmt.Sprintf(" [%d]=%s", p.At, value.String(p.Value))
	}
	return line
}

func (r *rig) recordText(rec journal.Record) string {
	switch b := rec.Body.(type) {
	case *journal.StackStarted:
		return "stack.started"
	case *journal.EventReceived:
		return fmt.Sprintf("event.received %s %s", b.Event, value.String(b.Payload))
	case *journal.CycleStarted:
		line := fmt.Sprintf("cycle.started %d", rec.Cycle)
		if b.Mode != "" {
			line += " " + b.Mode
		}
		return line + faultsText(b.Faults)
	case *journal.NodeDecided:
		return decidedText(b)
	case *journal.WaveStarted:
		line := fmt.Sprintf("wave.started %d: %s", b.Wave, strings.Join(b.Nodes, " "))
		if len(b.Early) > 0 {
			line += " early" + verdictText(b.Early)
		}
		return line
	case *journal.TaskStarted:
		return fmt.Sprintf("task.started %s#%d", nameOf(journal.TaskKey{Node: b.Node, Item: b.Item}), b.Attempt)
	case *journal.TaskFinished:
		line := fmt.Sprintf("task.finished %s#%d %s", nameOf(journal.TaskKey{Node: b.Node, Item: b.Item}), b.Attempt, b.Status)
		if b.Error != nil {
			line += fmt.Sprintf(" %s: %s", b.Error.Kind, b.Error.Message)
		}
		if b.Cached {
			line += " cached"
		}
		if !b.RetryAt.IsZero() {
			line += " retry " + r.relative(b.RetryAt)
		}
		return line
	case *journal.TaskStep:
		return fmt.Sprintf("task.step %s#%d %d %s %s", nameOf(journal.TaskKey{Node: b.Node, Item: b.Item}), b.Attempt, b.Step, b.Name, value.String(b.Content))
	case *journal.TaskUsed:
		return fmt.Sprintf("task.used %s#%d %d %g", nameOf(journal.TaskKey{Node: b.Node, Item: b.Item}), b.Attempt, b.Tokens, b.Cost)
	case *journal.WaveCommitted:
		line := fmt.Sprintf("wave.committed %d: %s", b.Wave, strings.Join(b.Changed, " "))
		for _, s := range b.Settled {
			line += fmt.Sprintf(" (%s %s#%d", s.Node, s.Status, s.Attempts)
			if s.Error != nil {
				line += " " + s.Error.Kind
			}
			if s.AtCommit {
				line += " at commit"
			}
			line += ")"
		}
		return line
	case *journal.CycleFinished:
		return fmt.Sprintf("cycle.finished waves=%d runs=%d failed=%t active=%t pause=%s", b.Waves, b.NodeRuns, b.Failed, b.Active, b.Pause) + faultsText(b.Faults)
	case *journal.StackFinished:
		return fmt.Sprintf("stack.finished %s: %s", b.Status, b.Reason)
	}
	return rec.Body.Type()
}

func faultsText(faults []string) (s string) {
	for _, f := range faults {
		s += fmt.Sprintf(" [%s]", f)
	}
	return s
}

func decidedText(b *journal.NodeDecided) string {
	line := fmt.Sprintf("node.decided %s run", b.Node)
	if !b.Run {
		line = fmt.Sprintf("node.decided %s %s", b.Node, b.Reason)
	}
	return line + verdictText(b.Edges)
}

func verdictText(all []journal.Verdict) (line string) {
	for _, v := range all {
		line += " [" + v.From
		if v.Outcome != "" && v.Outcome != "success" {
			line += " " + v.Outcome
		}
		for _, form := range []struct {
			on   bool
			name string
		}{{v.After, "after"}, {v.Else, "else"}, {v.NextCycle, "next_cycle"}} {
			if form.on {
				line += " " + form.name
			}
		}
		if v.When != "" {
			line += fmt.Sprintf(" %q", v.When)
		}
		switch {
		case v.Error != "":
			line += " error: " + v.Error
		case v.Live:
			line += " live"
		default:
			line += " dead"
		}
		line += "]"
	}
	return line
}
