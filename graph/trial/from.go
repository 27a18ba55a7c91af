package trial

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/graph/value"
)

// History is what a stack did in some cycles, one after the other.
type History struct {
	Graph   *graph.Graph
	Stack   journal.Identity
	At      time.Time      // when the first of the cycles could begin
	State   map[string]any // then
	Records []journal.Record
	End     map[string]any // the state after them
	Status  journal.Status
	Reason  string
}

// From writes what a stack did as a test: its results become replies, what came from
// outside becomes steps, and what it decided is expected. Inputs between two cycles come
// when they came; those of a cycle come at its end, which is when they were applied.
func From(name string, h *History) Test {
	f := &from{h: h, each: map[string]*given{}}
	t := Test{Name: diag.Plain(name), Start: diag.Plain(h.At.UTC().Format(time.RFC3339Nano))}
	if h.Stack.Stack != h.Graph.Name {
		t.Stack = diag.Plain(h.Stack.Stack)
	}
	if len(h.Stack.Params) > 0 {
		t.Params = tree.Of(h.Stack.Params)
	}
	if state := f.changed(); len(state) > 0 {
		t.State = tree.Of(state)
	}
	f.last = h.At
	for i := range h.Records {
		f.record(&h.Records[i])
	}
	f.late()
	t.Replies = f.replies()
	t.Steps = f.steps
	t.End = &End{Status: tree.Of(string(h.Status)), Cycles: tree.Of(int64(f.cycles)), State: tree.Of(h.End)}
	if h.Reason != "" {
		t.End.Reason = tree.Of(h.Reason)
	}
	return t
}

// SuiteFrom is what a stack did as a test file: of the graph in a file, named as seen from
// that test file.
func SuiteFrom(h *History, file string) Suite {
	return Suite{Graph: diag.Plain(file), Tests: []Test{From("what "+h.Stack.Stack+" did", h)}}
}

// from gathers a test.
type from struct {
	h      *History
	steps  []Step
	held   []Step // what came while a cycle was open
	open   *passed
	rerun  map[string]bool // nodes with attempts that a crash cut off
	cycles int
	final  bool      // the open cycle is that of `finally`
	last   time.Time // end of the last cycle
	order  []string  // places, as they ran first
	each   map[string]*given
}

// given is what the attempts of a task came to.
type given struct {
	spot    journal.Spot
	replies []Reply
	running bool
}

// changed is the state at the beginning, as far as it is not the initial one.
func (f *from) changed() map[string]any {
	out := map[string]any{}
	for i := range f.h.Graph.Keys {
		k := &f.h.Graph.Keys[i]
		if v, ok := f.h.State[k.Name]; ok && !value.Equal(v, k.Initial) {
			out[k.Name] = v
		}
	}
	return out
}

func (f *from) record(r *journal.Record) {
	switch b := r.Body.(type) {
	case *journal.CycleStarted:
		f.open = &passed{number: r.Cycle, skipped: map[string]string{}, attempts: map[string]int{}, outputs: map[string][]any{}}
		f.rerun, f.final = map[string]bool{}, b.Finally
	case *journal.NodeDecided:
		if f.open == nil {
			return
		}
		if delete(f.open.skipped, b.Node); !b.Run {
			f.open.skipped[b.Node] = b.Reason
		}
	case *journal.WaveStarted:
		if f.open != nil {
			f.open.waves = append(f.open.waves, b.Nodes)
		}
	case *journal.TaskStarted:
		f.started(b)
	case *journal.TaskFinished:
		f.finished(r, b)
	case *journal.EventReceived:
		f.came(r.Time, Step{Does: SendStep, Send: &tree.Node{Kind: tree.Map, Fields: []tree.Field{{Key: diag.Plain(b.Event), Value: tree.Of(b.Payload)}}}})
	case *journal.WaveCommitted:
		f.committed(b)
	case *journal.CycleFinished:
		f.finish(r.Time)
	case *journal.StackFinished:
		f.stopped(b)
	}
}

// came adds what came from outside. What comes while a cycle is open waits for its end.
func (f *from) came(at time.Time, s Step) {
	if f.open != nil {
		f.held = append(f.held, s)
		return
	}
	if d := at.Sub(f.last).Truncate(time.Second); d > 0 {
		f.steps = append(f.steps, Step{Does: WaitStep, For: d})
		f.last = f.last.Add(d)
	}
	f.steps = append(f.steps, s)
}

func (f *from) node(id string) *graph.Node {
	if i, ok := f.h.Graph.NodeByID(id); ok {
		return &f.h.Graph.Nodes[i]
	}
	return nil
}

// replied reports whether the tasks of a node get replies in a test.
func replied(n *graph.Node) bool {
	k := &n.Kind
	return !k.Inline && !k.Waits && !k.Sends && k.Fails == nil
}

func (f *from) of(node, item string) *given {
	spot := journal.Spot{Node: node, Item: item}
	g := f.each[spot.String()]
	if g == nil {
		g = &given{spot: spot}
		f.each[spot.String()] = g
		f.order = append(f.order, spot.String())
	}
	return g
}

func (f *from) started(b *journal.TaskStarted) {
	n := f.node(b.Node)
	if n == nil || !replied(n) {
		return
	}
	g := f.of(b.Node, b.Item)
	if g.running && f.rerun != nil {
		f.rerun[b.Node] = true
	}
	g.running = true
}

func (f *from) finished(r *journal.Record, b *journal.TaskFinished) {
	n := f.node(b.Node)
	switch {
	case n == nil || b.Attempt == 0 && !n.Kind.Waits:
	case n.Kind.Waits:
		if s, ok := answered(n, b); ok {
			f.came(r.Time, s)
		}
	case n.Kind.Sends:
		if f.open != nil && b.Error == nil {
			f.open.outputs[b.Node] = append(f.open.outputs[b.Node], b.Output)
		}
	case replied(n):
		g := f.of(b.Node, b.Item)
		if !g.running { // it was cancelled before it began
			return
		}
		g.running = false
		g.replies = append(g.replies, came(n, b))
	}
}

// came is the reply that stands for the end of an attempt.
func came(n *graph.Node, b *journal.TaskFinished) Reply {
	r := Reply{After: b.Duration.Truncate(time.Millisecond), Usage: Usage{Tokens: b.Tokens, Cost: b.Cost}}
	if f := b.Error; f != nil {
		r.Error = &Failure{Kind: diag.Plain(f.Kind), Message: f.Message, Code: f.Code, Output: f.Output, Permanent: b.RetryAt.IsZero() && n.Retry.Attempts > b.Attempt}
		return r
	}
	r.Output = tree.Of(b.Output)
	if t := b.Talk; t != nil {
		if list, _ := t.Messages.([]any); len(list) > 0 {
			r.Messages = tree.Of(list)
		}
		r.Usage = usageOf(t.Usage, r.Usage)
	}
	return r
}

// answered is the step of a person's answer; false if time or an event ended the wait.
func answered(n *graph.Node, b *journal.TaskFinished) (Step, bool) {
	out, _ := b.Output.(map[string]any)
	approved, is := out["approved"].(bool)
	late := n.Timeout > 0 && b.Duration >= n.Timeout
	if !is || b.Error != nil || late && out["by"] == nil {
		return Step{}, false
	}
	s := Step{Does: RejectStep, Answer: Answer{Node: diag.Plain(journal.Spot{Node: b.Node, Item: b.Item}.String())}}
	if approved {
		s.Does = ApproveStep
	}
	a := &s.Answer
	for field, to := range map[string]**tree.Node{"value": &a.Value, "comment": &a.Comment, "by": &a.By} { // in any order: each has its field
		if v := out[field]; v != nil {
			*to = tree.Of(v)
		}
	}
	return s, true
}

func (f *from) committed(b *journal.WaveCommitted) {
	if f.open == nil {
		return
	}
	for i := range b.Settled {
		s := &b.Settled[i]
		if s.Status == "waiting" {
			continue
		}
		f.open.attempts[s.Node] = s.Attempts
		if s.Status == "succeeded" {
			f.open.sent = append(f.open.sent, f.open.outputs[s.Node]...)
		}
		delete(f.open.outputs, s.Node)
	}
}

// finish ends a cycle.
func (f *from) finish(at time.Time) {
	p := f.open
	if p == nil {
		return
	}
	c := Cycle{Waves: tree.Of(p.asWaves())}
	if len(p.skipped) > 0 {
		c.Skipped = tree.Of(asValues(p.skipped))
	}
	tried := map[string]any{}
	for node, n := range p.attempts { // in any order: a copy
		if n > 1 && !f.rerun[node] {
			tried[node] = int64(n)
		}
	}
	if len(tried) > 0 {
		c.Attempts = tree.Of(tried)
	}
	if len(p.sent) > 0 {
		c.Sent = tree.Of(p.sent)
	}
	f.steps = append(f.steps, Step{Does: CycleStep, Cycle: c})
	f.steps = append(f.steps, f.held...)
	f.held, f.open, f.last = nil, nil, at
	if !f.final { // that of `finally` does not count
		f.cycles++
	}
}

// stopped adds the step that ended the stack, if it did not end by itself.
func (f *from) stopped(b *journal.StackFinished) {
	if b.Status != journal.Cancelled {
		return
	}
	does := CancelStep
	if b.Reason == "stopped" {
		does = StopStep
	}
	f.held, f.open = nil, nil
	f.steps = append(f.steps, Step{Does: does})
}

// late adds what came in the last cycle, which is still open.
func (f *from) late() {
	f.steps = append(f.steps, f.held...)
	f.held = nil
}

// endless is how long an attempt takes that was not over.
const endless = 100 * 24 * time.Hour

// replies are those of all tasks. Those that came to the same every time are one.
func (f *from) replies() (out []Replies) {
	byNode := map[string][]*given{}
	for _, place := range f.order {
		g := f.each[place]
		if g.running {
			g.replies = append(g.replies, Reply{After: endless, Error: &Failure{Message: "it was not over"}})
		}
		byNode[g.spot.Node] = append(byNode[g.spot.Node], g)
	}
	done := map[string]bool{}
	for _, place := range f.order {
		g := f.each[place]
		if done[place] || len(g.replies) == 0 {
			continue
		}
		all := byNode[g.spot.Node]
		if len(all) > 1 && alike(all) {
			out = append(out, Replies{For: diag.Plain(g.spot.Node), All: g.replies[:1]})
			for _, one := range all {
				done[one.spot.String()] = true
			}
			continue
		}
		r := Replies{For: diag.Plain(place), List: true, All: g.replies}
		if alike([]*given{g}) {
			r.List, r.All = false, g.replies[:1]
		}
		out = append(out, r)
	}
	return out
}

// alike reports whether all replies are equal but for how long they took.
func alike(all []*given) bool {
	first := ""
	for _, g := range all {
		for i := range g.replies {
			r := g.replies[i]
			r.After = 0
			text := strconv.FormatBool(r.Error == nil) + r.flow()
			if first = cmp.Or(first, text); text != first {
				return false
			}
		}
	}
	return !slices.ContainsFunc(all, func(g *given) bool { return g.running })
}
