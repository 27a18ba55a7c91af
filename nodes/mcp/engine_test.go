//go:build linux

package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/nodes/agent"
	"github.com/graphrun/graphrun/nodes/agent/cassette"
	"github.com/graphrun/graphrun/nodes/internal/program"
	"github.com/graphrun/graphrun/nodes/std"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/memstore"
)

// caller is a model that has a tool called, and then waits for a channel to be closed.
type caller struct{ until <-chan struct{} }

func (c caller) Ask(ctx context.Context, q *agent.Request, _ func(string)) (*agent.Response, error) {
	m := agent.Message{Calls: []agent.Call{{ID: "1", Name: "it/echo", Args: map[string]any{"text": "hello"}}}}
	if q.Turn > 1 {
		select {
		case <-c.until:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		m = agent.Message{Content: "It said " + q.Messages[len(q.Messages)-1].Content}
	}
	return &agent.Response{Message: m, Stop: agent.StopEnd, Usage: agent.Usage{Input: 1, Output: 1, Reported: true}}, nil
}

// engine starts a stack whose only node is an agent that calls the stubborn server.
func engine(ctx context.Context, servers agent.Servers, file string, until <-chan struct{}) (*runtime.Runtime, *runtime.Stack, error) {
	agents := agent.New(agent.Config{Servers: servers})
	reg := std.Registry()
	err := errors.Join(agents.Register("test", func(agent.ProviderConfig) (agent.Model, error) { return caller{until}, nil }), reg.Register(agents.Spec()))
	if err != nil {
		return nil, nil, err
	}
	exe, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	text, err := json.Marshal(map[string]any{
		"graphrun": 1, "name": "g", "file": filepath.Join(filepath.Dir(file), "g.yaml"),
		"providers": []any{map[string]any{"name": "p", "api": "test"}},
		"servers": []any{map[string]any{"name": "it", "command": []any{exe}, "env": map[string]any{serverVariable: "stubborn " + file},
			"tools": []any{map[string]any{"name": "echo"}}}},
		"state": []any{map[string]any{"name": "said", "type": "string?"}},
		"nodes": []any{map[string]any{"id": "a", "uses": "agent", "with": map[string]any{"model": "p/m", "instructions": "Call.", "input": "Go.", "tools": []any{"it/echo"}},
			"writes": []any{map[string]any{"key": "said", "expr": "output"}}}},
		"edges": []any{map[string]any{"to": []any{"a"}}}, "limits": map[string]any{"cycles": 1},
	})
	var def graph.Def
	if err = errors.Join(err, json.Unmarshal(text, &def)); err != nil {
		return nil, nil, err
	}
	g, problems := graph.Compile(def, reg)
	if err := problems.Err(); err != nil {
		return nil, nil, err
	}
	rt, err := runtime.Open(ctx, runtime.Config{Store: memstore.New(), Kinds: reg})
	if err != nil {
		return nil, nil, err
	}
	s, err := rt.Start(ctx, g, runtime.StartOptions{})
	return rt, s, err
}

// TestCloseOfTheRuntimeEndsServers: also when only agents called them, and through a
// recorder.
func TestCloseOfTheRuntimeEndsServers(t *testing.T) {
	t.Parallel()
	for name, through := range map[string]func(agent.Servers) agent.Servers{
		"plain":    func(s agent.Servers) agent.Servers { return s },
		"recorded": func(s agent.Servers) agent.Servers { return cassette.NewRecorder(io.Discard, nil).Servers(s) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "pids")
			now := make(chan struct{})
			close(now)
			rt, s, err := engine(t.Context(), through(servers(t, nil)), file, now)
			if err != nil {
				t.Fatal(err)
			}
			r, err := s.Wait(t.Context())
			if err != nil || r.State["said"] == nil {
				t.Fatalf("%+v, %v", r, err)
			}
			pids := running(t, file, 2)
			for _, pid := range pids {
				if !program.Runs(pid) {
					t.Errorf("process %d of %v has ended before the runtime", pid, pids)
				}
			}
			if err := rt.Close(context.Background()); err != nil {
				t.Error(err)
			}
			for _, pid := range pids {
				if program.Runs(pid) {
					t.Errorf("process %d of %v runs on", pid, pids)
				}
			}
		})
	}
}

func init() { runEngine = engineProcess }

// engineProcess is a whole engine, for a test that kills it.
func engineProcess(file string) int {
	_, s, err := engine(context.Background(), New(Config{}), file, nil)
	if err != nil {
		panic(err)
	}
	_, _ = s.Wait(context.Background())
	return 1
}

// TestAKilledEngineLeavesNoServer: neither the server, which ignores the end of its input,
// nor what it started lives on.
func TestAKilledEngineLeavesNoServer(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "pids")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serverVariable+"=engine "+file)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pids := running(t, file, 2)
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for begun := time.Now(); program.Runs(pids[0]) || program.Runs(pids[1]); <-look.C {
		if time.Since(begun) > 30*time.Second {
			t.Fatalf("of %v, %d runs: %v, %d runs: %v", pids, pids[0], program.Runs(pids[0]), pids[1], program.Runs(pids[1]))
		}
	}
}
