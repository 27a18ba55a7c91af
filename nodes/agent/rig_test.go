package agent

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes"
)

// rig is a task of an agent by hand: models that say what a test wants, tools that count
// their calls, and steps that are kept in memory.
type rig struct {
	t      *testing.T
	agents *Agents
	task   nodes.Task

	mu      sync.Mutex
	asked   []*Request // every question that reached a model
	asks    []string   // PROVIDER of each
	replies map[string][]reply
	called  []string // ID of a tool's call: NAME#NUMBER, with "!" for a rerun
	sent    []journal.Call
	steps   []nodes.StepRecord
	rests   int
	notes   []string
	deltas  string
	// stopAfter makes the process "die" after so many records; 0 means never.
	stopAfter int
	die       context.CancelCauseFunc
	mask      func(any) any // of what is recorded
	noRecord  bool
}

// reply is what a model says to one question.
type reply struct {
	res   *Response
	err   error
	delay time.Duration
	check func(*Request)
}

var errKilled = errors.New("killed")

func text(s string) reply {
	return reply{res: &Response{Message: Message{Content: s}, Stop: StopEnd, Usage: Usage{Input: 10, Output: 5, Reported: true}}}
}

func calls(cs ...Call) reply {
	r := text("")
	r.res.Message.Calls = cs
	return r
}

func call(id, name string, args ...any) Call {
	m := map[string]any{}
	for i := 0; i+1 < len(args); i += 2 {
		m[args[i].(string)] = args[i+1]
	}
	return Call{ID: id, Name: name, Args: m}
}

func refused(e *Error) reply { return reply{err: e} }

// newRig makes a task with the providers a and b, whose models say replies in their
// order.
func newRig(t *testing.T, with map[string]any, replies ...reply) *rig {
	t.Helper()
	r := &rig{t: t, replies: map[string][]reply{"a": replies}}
	r.agents = New(Config{Logger: slog.New(slog.DiscardHandler)})
	if err := r.agents.Register("test", func(c ProviderConfig) (Model, error) { return &scripted{r, c.Name}, nil }); err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]any{"model": "a/m", "instructions": "Be good."} {
		if _, there := with[name]; !there {
			with[name] = v
		}
	}
	if _, there := with["input"]; !there && with["messages"] == nil {
		with["input"] = "hello"
	}
	r.task = nodes.Task{
		Stack: "s", Graph: "g", Node: "n", Attempt: 1, Key: "key", With: val(t, with), Logger: slog.New(slog.DiscardHandler),
		Of:    &graph.Graph{Name: "g", Def: &graph.Def{}, Providers: []graph.Provider{{Name: "a", API: "test"}, {Name: "b", API: "test"}, {Name: "c", API: "test"}}},
		Retry: graph.Retry{Attempts: 1, Backoff: time.Second, Factor: 2, MaxBackoff: 10 * time.Minute},
	}
	if out, there := with["output"]; there {
		set, _ := schema.NewSet(nil)
		typ, problems := set.Compile(tree.Of(val(t, out)))
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		r.task.Output = typ
	}
	r.task.Note = func(s string) { r.mu.Lock(); r.notes = append(r.notes, s); r.mu.Unlock() }
	r.task.Delta = func(s string) { r.mu.Lock(); r.deltas += s; r.mu.Unlock() }
	return r
}

func val(t *testing.T, v any) any {
	t.Helper()
	own, err := valueOf(v)
	if err != nil {
		t.Fatal(err)
	}
	return own
}

func valueOf(v any) (any, error) {
	own, err := value.CopyOf(v)
	return own.Any(), err
}

// tool adds a tool of the graph; with a nil do it says "done".
func (r *rig) tool(name string, args *schema.Type, effects graph.Effects, approve func(any) bool, do func(ctx context.Context, args any) (any, error)) {
	r.t.Helper()
	if args == nil {
		args = schema.MapOf(schema.AnyType)
	}
	own := nodes.Tool{Tool: &graph.Tool{Name: name, Args: args, Effects: effects}}
	if approve != nil {
		own.NeedsWord = func(args any) (bool, error) { return approve(args), nil }
	}
	own.Call = func(ctx context.Context, number int, args any, rerun bool) (nodes.Result, error) {
		r.mu.Lock()
		said := name + "#" + strconv.Itoa(number)
		if rerun {
			said += "!"
		}
		r.called = append(r.called, said)
		r.mu.Unlock()
		if do == nil {
			return nodes.Result{Output: "done"}, nil
		}
		out, err := do(ctx, args)
		return nodes.Result{Output: out}, err
	}
	r.task.Tools = append(r.task.Tools, own)
}

// run does one attempt with the steps so far.
func (r *rig) run() (nodes.Result, *nodes.Error) {
	ctx, die := context.WithCancelCause(r.t.Context())
	defer die(nil)
	r.die = die
	task := r.task
	task.Steps = append([]nodes.StepRecord{}, r.steps...)
	records := 0
	over := false
	var mu sync.Mutex
	task.Record = func(ctx context.Context, s nodes.StepRecord) (any, error) {
		mu.Lock()
		defer mu.Unlock()
		if over || ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		own, err := valueOf(s.Content)
		if err != nil {
			return nil, err
		}
		if r.mask != nil {
			own = r.mask(own)
		}
		s.Content = own
		r.mu.Lock()
		r.steps = append(r.steps, s)
		r.mu.Unlock()
		if records++; records == r.stopAfter {
			over = true
			die(errKilled)
		}
		return own, nil
	}
	if r.noRecord {
		task.Record = nil
	}
	task.Ask = func(_ context.Context, calls []journal.Call) error {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.sent = append(r.sent, calls...)
		return nil
	}
	task.Rest = func(ctx context.Context, until <-chan struct{}) error {
		r.mu.Lock()
		r.rests++
		r.mu.Unlock()
		select {
		case <-until:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	res, e := nodes.Run(ctx, r.agents.Spec(), task)
	r.task.Attempt++
	return res, e
}

// must is run that has to succeed.
func (r *rig) must() nodes.Result {
	r.t.Helper()
	res, e := r.run()
	if e != nil {
		r.t.Fatalf("%s: %s", e.Kind, e.Message)
	}
	return res
}

// fails is run that has to fail with a kind, and a message that holds a text.
func (r *rig) fails(kind, message string) *nodes.Error {
	r.t.Helper()
	res, e := r.run()
	if e == nil {
		r.t.Fatalf("no failure: %v", res.Output)
	}
	if e.Kind != kind || !strings.Contains(e.Message, message) {
		r.t.Fatalf("got %s: %s\nwant %s: …%s…", e.Kind, e.Message, kind, message)
	}
	return e
}

func (r *rig) stepNames() string {
	var names []string
	for _, s := range r.steps {
		name := s.Name
		if s.Mark {
			name = "mark " + name
		}
		if s.Error != nil {
			name += " failed"
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

// scripted is a Model of a rig.
type scripted struct {
	r    *rig
	name string
}

func (m *scripted) Ask(ctx context.Context, q *Request, delta func(string)) (*Response, error) {
	r := m.r
	r.mu.Lock()
	own := *q
	own.Messages = append([]Message{}, q.Messages...)
	r.asked = append(r.asked, &own)
	r.asks = append(r.asks, m.name)
	all := r.replies[m.name]
	if len(all) == 0 {
		r.mu.Unlock()
		r.t.Errorf("a question that nobody expected: %s %v", m.name, q.Messages)
		return nil, &Error{Status: 400, Message: "unexpected"}
	}
	next := all[0]
	r.replies[m.name] = all[1:]
	r.mu.Unlock()
	if next.check != nil {
		next.check(q)
	}
	if next.delay > 0 {
		select {
		case <-time.After(next.delay):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	if next.err != nil {
		return nil, next.err
	}
	if delta != nil && next.res.Message.Content != "" {
		delta(next.res.Message.Content)
	}
	own2 := *next.res
	return &own2, nil
}

func argsType(props ...schema.Prop) *schema.Type { return schema.ObjectOf(props...) }

func prop(name string, t *schema.Type) schema.Prop {
	return schema.Prop{Name: name, Type: t, Required: true}
}

// template compiles what a graph says of a provider, with the secret KEY.
func template(t *testing.T, text string) *graph.Template {
	t.Helper()
	v, err := value.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	def := graph.ProviderDef{Name: diag.Plain("a"), API: diag.Plain("test")}
	for name, v := range v.(map[string]any) {
		switch name {
		case "base_url":
			def.BaseURL = tree.Of(v)
		case "key":
			def.Key = tree.Of(v)
		case "file":
			def.File = tree.Of(v)
		}
	}
	registry, agents := nodes.NewRegistry(), New(Config{})
	err = errors.Join(agents.Register("test", func(ProviderConfig) (Model, error) { return nil, nil }), registry.Register(agents.Spec()),
		registry.Register(nodes.Func("work", func(context.Context, map[string]any) (any, error) { return nil, nil })))
	if err != nil {
		t.Fatal(err)
	}
	g, problems := graph.Compile(graph.Def{
		Name: diag.Plain("g"), Secrets: []diag.Text{diag.Plain("KEY")}, Providers: []graph.ProviderDef{def},
		Nodes: []graph.NodeDef{{ID: diag.Plain("n"), Uses: diag.Plain("work")}},
	}, registry)
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	return g.Providers[0].Config
}
