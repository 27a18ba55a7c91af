package script

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/agent"
)

func open(t *testing.T, text string) (agent.Model, string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "replies.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := Open(agent.ProviderConfig{Name: "stand-in", File: file})
	if err != nil {
		t.Fatal(err)
	}
	return m, file
}

func question(node string, turn int, last string) *agent.Request {
	return &agent.Request{Model: "small", Node: node, Turn: turn, Messages: []agent.Message{{Role: "user", Content: last}}}
}

// TestFirstEntryThatHolds: entries are tried in their order, over all that conditions see.
func TestFirstEntryThatHolds(t *testing.T) {
	t.Parallel()
	m, _ := open(t, `
- when: node == "planner" && turn == 2
  output: {todos: [1, {at: 2026-01-02}]}
- when: any(messages, .role == "tool" && .name == "pay")
  text: Paid.
- when: model == "small" && last contains "pay"
  calls: [{name: pay, args: {amount: 3}}, {name: docs/search}]
- text: "0123"
`)
	paid := question("a", 1, "x")
	paid.Messages = append(paid.Messages, agent.Message{Role: "tool", Name: "pay", Call: "1", Content: "ok"})
	for name, c := range map[string]struct {
		q    *agent.Request
		want string
	}{
		"node and turn": {question("planner", 2, "x"), `{"todos":[1,{"at":"2026-01-02"}]}`},
		"messages":      {paid, "Paid."},
		"without when":  {question("planner", 1, "x"), "0123"},
	} {
		res, err := m.Ask(t.Context(), c.q, nil)
		if err != nil {
			t.Fatal(err)
		}
		if res.Message.Content != c.want || res.Model != "script" || res.Stop != agent.StopEnd {
			t.Errorf("%s: got %+v", name, res)
		}
	}
	res, err := m.Ask(t.Context(), question("x", 1, "pay it"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if c := res.Message.Calls; len(c) != 2 || c[0].Name != "pay" || c[0].Args.(map[string]any)["amount"] != int64(3) || c[1].Name != "docs/search" {
		t.Errorf("calls %+v", c)
	}
}

// TestTimes: what is used up is up to the task that asks.
func TestTimes(t *testing.T) {
	t.Parallel()
	m, _ := open(t, "- {error: {status: 503, message: busy}, times: 2}\n- {text: hello, usage: {input: 7, output: 2}, times: 1}\n")
	q := question("a", 1, "x")
	var e *agent.Error
	if _, err := m.Ask(t.Context(), q, nil); !errors.As(err, &e) || e.Status != 503 || e.Message != "busy" || e.Entry != 1 {
		t.Fatalf("got %v", err)
	}
	q.Entries = map[int]int{1: 2}
	res, err := m.Ask(t.Context(), q, nil)
	if err != nil || res.Message.Content != "hello" || res.Entry != 2 || res.Usage != (agent.Usage{Input: 7, Output: 2, Reported: true}) {
		t.Fatalf("got %+v %v", res, err)
	}
	q.Entries[2] = 1
	if _, err = m.Ask(t.Context(), q, nil); err == nil || !strings.Contains(err.Error(), "no entry of") || !strings.Contains(err.Error(), `"turn":1`) {
		t.Fatalf("got %v", err)
	}
}

// TestDelayAndDeltas: an answer takes its time, ends with the context, and comes word by
// word.
func TestDelayAndDeltas(t *testing.T) {
	t.Parallel()
	m, _ := open(t, "- {text: one two  three, delay: 3s}\n")
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var said []string
		if _, err := m.Ask(t.Context(), question("a", 1, "x"), func(s string) { said = append(said, s+"@"+time.Since(began).String()) }); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("took %v", took)
		}
		if got := strings.Join(said, "|"); got != "one@1s| two@2s|  three@3s" {
			t.Errorf("said %q", got)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := m.Ask(ctx, question("a", 1, "x"), nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

// TestChangedFile: a file that changes is read again.
func TestChangedFile(t *testing.T) {
	t.Parallel()
	m, file := open(t, "- {text: old}\n")
	if err := os.WriteFile(file, []byte("- {text: newer}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	res, err := m.Ask(t.Context(), question("a", 1, "x"), nil)
	if err != nil || res.Message.Content != "newer" {
		t.Fatalf("got %+v %v", res, err)
	}
}

// TestMistakes: each is kind "config", with file and line.
func TestMistakes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"text: hello\n":                              ":1: a file of replies must be a list",
		"- {text: a}\n- {txt: b}\n":                  `:2: a reply has no field "txt": did you mean "text"?`,
		"- text: a\n- when: turns == 1\n  text: b\n": ":2: `when`: ",
		"- when: turn == \"x\"\n  text: b\n":         ":1: `when`: ",
		"- {}\n":                                     ":1: a reply needs",
		"- {text: a, output: b}\n":                   "either `text` or `output`",
		"- {text: a, error: {status: 500}}\n":        "has no `text`",
		"- calls: [{args: {}}]\n":                    "needs a `name`",
		"- calls: [{name: a, arguments: {}}]\n":      `no field "arguments"`,
		"- {text: a, delay: soon}\n":                 "`delay` must be a duration",
		"- {text: a, times: 0}\n":                    "`times` must be at least 1",
		"- {text: a, usage: {tokens: 1}}\n":          "`usage` has no field",
		"- {error: {status: 42}}\n":                  "`status` must be a status",
		"- [1]\n":                                    "must be a mapping, not a list",
		"- {text: [}\n":                              "replies.yaml:1: did not find",
		"- text: a\n- x: : 1\n":                      "replies.yaml:2: ",
		"- {text: a, text: b}\n":                     "written twice",
		"- &a {output: [*a]}\n":                      "",
	} {
		file := filepath.Join(t.TempDir(), "replies.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(agent.ProviderConfig{File: file})
		var e *nodes.Error
		if !errors.As(err, &e) || e.Kind != "config" || !e.Permanent || !strings.Contains(e.Message, want) || !strings.Contains(e.Message, "replies.yaml") {
			t.Errorf("%q: got %v, want …%s…", text, err, want)
		}
	}
	if _, err := Open(agent.ProviderConfig{File: filepath.Join(t.TempDir(), "none.yaml")}); err == nil || !strings.Contains(err.Error(), "none.yaml cannot be read: no such file") {
		t.Errorf("got %v", err)
	}
}
