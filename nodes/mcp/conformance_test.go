//go:build unix

package mcp

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/nodes"
)

// clientVariable makes the test binary a client of the address that is its last argument.
const clientVariable = "MCP_TEST_CLIENT"

// scenarios are those of the conformance suite that are about what this client does. The
// others are about signing in over OAuth, which it does not do (a graph gives headers), and
// about questions to the user, which it refuses.
var scenarios = map[string]nodes.Task{
	"initialize": {},
	"tools_call": {Node: "add_numbers", With: map[string]any{"a": int64(5), "b": int64(3)}},
	"sse-retry":  {Node: "test_reconnection"},
}

// TestConformance lets the conformance suite of the protocol judge the client. It needs
// Node 22: that of the folder of MCP_SERVERS, if there is one, goes before all others.
func TestConformance(t *testing.T) {
	t.Parallel()
	suite := foreign(t, "conformance")
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name := range scenarios {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, suite, "client", "--command", exe, "--scenario", name)
			cmd.Dir = t.TempDir() // it leaves its results behind
			cmd.Env = append(os.Environ(), clientVariable+"=yes", "PATH="+filepath.Dir(suite)+string(filepath.ListSeparator)+os.Getenv("PATH"))
			out, err := cmd.CombinedOutput()
			if said := string(out); err != nil || !strings.Contains(said, "OVERALL: PASSED") || !strings.Contains(said, "SUCCESS") {
				t.Errorf("%v\n%s", err, said)
			}
		})
	}
}

// client does what a scenario of the suite is about. The result is its exit code.
func client(address string) int {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	s := New(Config{})
	defer s.Close()
	config, err := templateOf(map[string]any{"url": address})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	task := scenarios[os.Getenv("MCP_CONFORMANCE_SCENARIO")]
	server := graph.Server{Name: "it", Config: config}
	task.Of = &graph.Graph{Name: "g", Servers: []graph.Server{server}}
	if task.Node == "" {
		_, err = s.Tools(ctx, task, "it")
	} else {
		task.Of.Servers[0].Tools = []graph.ServerTool{{Name: task.Node}}
		_, err = s.Call(ctx, task, "it", task.Node, task.With)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
