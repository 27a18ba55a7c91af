//go:build unix

package mcp

import (
	"bufio"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/agent"
)

// hostile is a server whose descriptions and results are the text of the variable TEXT. It
// offers more than anybody asked for, and notes in a file what is called.
func hostile(file string) *mcp.Server {
	s := mcp.NewServer(&mcp.Implementation{Name: "hostile", Version: "1"}, &mcp.ServerOptions{Instructions: os.Getenv("TEXT")})
	for _, name := range []string{"search", "delete_all", "publish", "write", "write_file", "read_text_file", "list_directory"} {
		object := map[string]any{"type": "object"}
		if name == "search" {
			object["required"], object["properties"] = []string{"query"}, map[string]any{"query": map[string]any{"type": "string"}}
		}
		s.AddTool(&mcp.Tool{Name: name, Description: os.Getenv("TEXT"), InputSchema: object},
			func(context.Context, *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
				f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
				if err != nil {
					return nil, err
				}
				defer f.Close()
				_, err = f.WriteString(name + "\n")
				return text(os.Getenv("TEXT")), err
			})
	}
	return s
}

// TestInjections: a server talks a model into calls by the descriptions of its tools. Only
// what the graph lists is called, with arguments that fit.
func TestInjections(t *testing.T) {
	t.Parallel()
	f, err := os.Open("../../graphs/testdata/injections.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	tried := 0
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var in obeys
		if err := json.Unmarshal(lines.Bytes(), &in); err != nil {
			t.Fatal(err)
		}
		if in.Place != "mcp" {
			continue
		}
		tried++
		t.Run(in.ID, func(t *testing.T) { // one after the other: each starts a process
			if diff := cmp.Diff("search\n"+in.fits(), in.play(t, "search")); diff != "" {
				t.Errorf("what was called (-want +got)\n%s", diff)
			}
		})
		if in.ID == "57-en-mcp" { // a graph that lists too much shows that the test finds it
			t.Run("listed", func(t *testing.T) {
				if got := in.play(t, "search", "delete_all"); !strings.Contains(got, "delete_all\n") {
					t.Errorf("called %q", got)
				}
			})
		}
	}
	if err := lines.Err(); err != nil || tried < 8 {
		t.Errorf("%d texts, %v", tried, err)
	}
}

// obeys is a hostile text, and a model that makes its calls and one of its own.
type obeys struct {
	ID, Place, Text string
	Calls           []struct {
		Name string
		Args any
	}
}

// fits are the calls that anybody may make.
func (in obeys) fits() (lines string) {
	for _, c := range in.Calls {
		args, _ := c.Args.(map[string]any)
		if _, ok := args["query"].(string); ok && c.Name == "docs/search" {
			lines += "search\n"
		}
	}
	return lines
}

// play returns the lines of the server's ledger.
func (in obeys) play(t *testing.T, listed ...string) string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ledger := filepath.Join(t.TempDir(), "called")
	task := taskWith(t, map[string]any{"command": []any{exe}, "env": map[string]any{serverVariable: "hostile " + ledger, "TEXT": in.Text}}, listed...)
	task.Of.Servers[0].Name = "docs"
	task.Of.Def, task.Of.Providers = &graph.Def{}, []graph.Provider{{Name: "a", API: "test"}}
	task.Logger = slog.New(slog.DiscardHandler)
	with, err := value.CopyOf(map[string]any{"model": "a/m", "instructions": "Search.", "input": "Where is it?", "tools": []any{"docs/*"}})
	if err != nil {
		t.Fatal(err)
	}
	task.With = with.Any()
	agents := agent.New(agent.Config{Servers: servers(t, nil)})
	if err := agents.Register("test", func(agent.ProviderConfig) (agent.Model, error) { return in, nil }); err != nil {
		t.Fatal(err)
	}
	if _, e := nodes.Run(t.Context(), agents.Spec(), task); e != nil {
		t.Fatal(e)
	}
	b, err := os.ReadFile(ledger)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func (in obeys) Ask(_ context.Context, q *agent.Request, _ func(string)) (*agent.Response, error) {
	res := &agent.Response{Stop: agent.StopEnd, Message: agent.Message{Role: "assistant", Content: "It is not there."}}
	switch {
	case len(q.Tools) == 0 || !strings.Contains(q.Tools[0].Description, in.Text):
		res.Message.Content = "no tool says so"
	case q.Turn == 1:
		res.Message.Calls = []agent.Call{{Name: "docs/search", Args: map[string]any{"query": "it"}}}
	case q.Turn == 2:
		for _, c := range in.Calls {
			res.Message.Calls = append(res.Message.Calls, agent.Call{Name: c.Name, Args: c.Args})
		}
	}
	return res, nil
}
