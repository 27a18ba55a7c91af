//go:build unix

package mcp

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/std"
)

// servers are Servers with short times, closed with the test.
func servers(t *testing.T, log *slog.Logger) *Servers {
	t.Helper()
	s := New(Config{Logger: log})
	s.limits.stop, s.limits.kill, s.limits.drain, s.limits.backoff = 200*time.Millisecond, 300*time.Millisecond, 200*time.Millisecond, 10*time.Millisecond
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

var allTools = []string{"echo", "env", "where", "fail", "die", "hang", "large", "ask", "parts", "steps", "grow"}

// task is a task of a graph with the server "it": the test binary as server `what`.
func task(t *testing.T, what string, tools ...string) nodes.Task {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return taskWith(t, map[string]any{
		"command": []any{exe}, "env": map[string]any{serverVariable: what, "TOKEN": "${{ secrets.TOKEN }}"},
	}, tools...)
}

func taskWith(t *testing.T, config map[string]any, tools ...string) nodes.Task {
	t.Helper()
	server := graph.Server{Name: "it", Config: template(t, config)}
	for _, name := range tools {
		server.Tools = append(server.Tools, graph.ServerTool{Name: name})
	}
	dir := t.TempDir()
	return nodes.Task{
		Stack: "s", Graph: "g", Node: "n", Attempt: 1, Key: "key of " + t.Name(), Dir: dir,
		Of:     &graph.Graph{Name: "g", Dir: dir, Servers: []graph.Server{server}},
		Secret: func(name string) (string, bool) { return "hush-hush", name == "TOKEN" },
		Mask:   func(s string) string { return strings.ReplaceAll(s, "hush-hush", "***") },
	}
}

func template(t *testing.T, config map[string]any) *graph.Template {
	t.Helper()
	made, err := templateOf(config)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// templateOf is the template of a server's entry: the `with` of a kind that has the same
// fields is made alike.
func templateOf(config map[string]any) (*graph.Template, error) {
	kind := "exec"
	if config["url"] != nil {
		kind = "http"
	}
	g, problems := graph.Compile(graph.Def{
		Version: 1, Name: diag.Text{Value: "g"}, Secrets: []diag.Text{{Value: "TOKEN"}},
		Nodes: []graph.NodeDef{{ID: diag.Text{Value: "n"}, Uses: diag.Text{Value: kind}, With: tree.Of(config)}},
	}, std.Registry())
	if g == nil {
		return nil, fmt.Errorf("%v", problems)
	}
	return g.Nodes[0].With, nil
}

// book keeps what is logged.
type book struct {
	mu sync.Mutex
	b  strings.Builder
}

func (b *book) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *book) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func logBook(level slog.Level) (*book, *slog.Logger) {
	b := &book{}
	return b, slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{Level: level}))
}
