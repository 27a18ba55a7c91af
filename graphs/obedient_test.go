package graphs_test

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes/agent"
	"github.com/graphrun/graphrun/nodes/agent/script"
)

// injection is a hostile text, the place where it stands, and the calls that a model
// makes which obeys it.
type injection struct {
	ID, Place, Text string
	Schema          bool // it obeys again when it is asked for its output
	Calls           []injectedCall
}

type injectedCall struct {
	ID     *string // nil means that it gets one of its own
	Name   string
	Args   any
	Text   string // the arguments, where they are no JSON object
	Huge   int    // letters of a further argument
	Repeat int    // so many of them
}

// injections reads testdata/injections.jsonl.
func injections(t *testing.T) (all []injection) {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "injections.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var in injection
		if err := json.Unmarshal(lines.Bytes(), &in); err != nil {
			t.Fatal(err)
		}
		all = append(all, in)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// calls are what a model asks for that obeys.
func (in *injection) calls() (out []agent.Call) {
	for _, c := range in.Calls {
		if args, ok := c.Args.(map[string]any); ok && c.Huge > 0 {
			args["note"] = strings.Repeat("x", c.Huge)
		}
		args, err := value.CopyOf(c.Args)
		if err != nil {
			panic(err)
		}
		call := agent.Call{Name: c.Name, Args: args.Any(), Text: c.Text}
		if _, object := call.Args.(map[string]any); !object && call.Text == "" {
			call.Text = value.String(call.Args) // as the clients of providers do
			call.Args = nil
		}
		if c.ID != nil {
			call.ID = *c.ID
		}
		for range max(1, c.Repeat) {
			out = append(out, call)
		}
	}
	return out
}

// shown reports whether a model sees the text: as it is, within JSON, or in one line.
func (in *injection) shown(s string) bool {
	quoted := strings.Trim(value.String(in.Text), `"`)
	return strings.Contains(s, in.Text) || strings.Contains(s, quoted) || strings.Contains(s, oneLine(in.Text))
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// obedient is a model that makes the calls of an injection as soon as it sees its text.
// Otherwise it works as the graph's own script does.
type obedient struct {
	in     *injection
	own    agent.Model // the script; nil if the graph has none
	mu     *sync.Mutex
	obeyed map[string]int // by node
}

func (in *injection) model() (*obedient, func(agent.ProviderConfig) (agent.Model, error)) {
	o := &obedient{in: in, mu: &sync.Mutex{}, obeyed: map[string]int{}}
	return o, func(c agent.ProviderConfig) (agent.Model, error) {
		own, err := script.Open(c)
		if os.IsNotExist(err) || err != nil && in.Place == "mcp" {
			err = nil
		}
		return &obedient{in: in, own: own, mu: o.mu, obeyed: o.obeyed}, err
	}
}

func (o *obedient) Ask(ctx context.Context, q *agent.Request, delta func(string)) (*agent.Response, error) {
	sees, did, called := false, false, map[string]bool{}
	for _, m := range q.Messages {
		sees = sees || (o.in.Place != "memory" || m.Role == "tool") && o.in.shown(m.Content)
		for _, c := range m.Calls {
			called[c.Name] = true
		}
		did = did || m.Role == "assistant" && o.same(m.Calls)
	}
	for _, tool := range q.Tools {
		sees = sees || o.in.shown(tool.Description)
	}
	late := o.in.Schema && q.Schema != nil
	if sees && (!did && !o.in.Schema || late) {
		o.mu.Lock()
		o.obeyed[q.Node]++
		o.mu.Unlock()
		res := answer("", o.in.calls()...)
		if late {
			res.Message.Content = `{"kind": "other", "answer": "Yes."}`
		}
		return res, nil
	}
	return o.work(ctx, q, called, delta)
}

// same reports whether an answer has the calls of the injection.
func (o *obedient) same(calls []agent.Call) bool {
	want := o.in.calls()
	if len(calls) != len(want) {
		return false
	}
	for i := range want {
		if calls[i].Name != want[i].Name || !reflect.DeepEqual(calls[i].Args, want[i].Args) {
			return false
		}
	}
	return true
}

// work is what the model does when nobody talks it into anything.
func (o *obedient) work(ctx context.Context, q *agent.Request, called map[string]bool, delta func(string)) (*agent.Response, error) {
	switch q.Node {
	case "triage":
		if !called["customer"] {
			return answer("", agent.Call{Name: "customer", Args: map[string]any{}},
				agent.Call{Name: "memory/answers", Args: map[string]any{"query": o.in.Text}}), nil
		}
		if o.in.Schema && q.Schema == nil {
			return answer("I have looked it up."), nil
		}
		return answer(`{"kind": "question", "answer": "Thank you."}`), nil
	case "planner": // it carries the text on
		return answer(value.String(map[string]any{"todos": []any{map[string]any{"id": "usage", "title": o.in.Text, "status": "pending"}}})), nil
	case "builder":
		return answer("Example. photoname ~/photos"), nil
	case "reader":
		if source := "optics.txt"; !called["read"] && strings.Contains(q.Messages[0].Content, source) {
			return answer("", agent.Call{Name: "read", Args: map[string]any{"source": source}}), nil
		}
		return answer(`{"source": "optics.txt", "notes": "Nothing."}`), nil
	case "librarian":
		return answer("I found nothing."), nil
	}
	return o.own.Ask(ctx, q, delta)
}

func answer(text string, calls ...agent.Call) *agent.Response {
	return &agent.Response{
		Message: agent.Message{Role: "assistant", Content: text, Calls: slices.Clip(calls)},
		Stop:    agent.StopEnd, Model: "obedient", Usage: agent.Usage{Input: 10, Output: 5, Reported: true},
	}
}
