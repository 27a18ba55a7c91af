//go:build unix

package mcp

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// foreign is a program of the folder that MCP_SERVERS names: the `node_modules/.bin` of
// servers that others wrote.
func foreign(t *testing.T, name string) string {
	t.Helper()
	dir := os.Getenv("MCP_SERVERS")
	if dir == "" {
		t.Skip("MCP_SERVERS names no folder with the programs of other people's servers (npm install @modelcontextprotocol/server-everything, -filesystem, -memory)")
	}
	path, err := filepath.Abs(filepath.Join(dir, name))
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		t.Skip(err)
	}
	return path
}

func TestServerEverything(t *testing.T) {
	t.Parallel()
	s, task := servers(t, nil), taskWith(t, map[string]any{"command": []any{foreign(t, "mcp-server-everything"), "stdio"}}, "echo", "get-tiny-image", "get-sum")
	everything(t, func(tool string, args any) any { return call(t, s, task, tool, args) })
}

func TestServerEverythingOverHTTP(t *testing.T) {
	t.Parallel()
	path := foreign(t, "mcp-server-everything")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	cmd := exec.Command(path, "streamableHttp")
	cmd.Env = append(os.Environ(), "PORT="+address[strings.LastIndex(address, ":")+1:])
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for look := time.NewTicker(50 * time.Millisecond); ; <-look.C {
		resp, err := http.Get("http://" + address + "/mcp")
		if err == nil {
			_ = resp.Body.Close()
			break
		}
		if t.Context().Err() != nil {
			t.Fatal(err)
		}
	}
	s, task := servers(t, nil), taskWith(t, map[string]any{"url": "http://" + address + "/mcp"}, "echo", "get-tiny-image", "get-sum")
	everything(t, func(tool string, args any) any { return call(t, s, task, tool, args) })
}

func everything(t *testing.T, call func(tool string, args any) any) {
	t.Helper()
	if got := call("echo", map[string]any{"message": "hello"}); got != "Echo: hello" {
		t.Errorf("echo: %v", got)
	}
	if got, _ := call("get-sum", map[string]any{"a": int64(2), "b": int64(3)}).(string); !strings.Contains(got, "5") {
		t.Errorf("sum: %v", got)
	}
	if got, _ := call("get-tiny-image", nil).(string); !strings.Contains(got, "image") {
		t.Errorf("image: %v", got)
	}
}

func TestServerFilesystem(t *testing.T) {
	t.Parallel()
	s, task := servers(t, nil), taskWith(t, map[string]any{"command": []any{foreign(t, "mcp-server-filesystem"), "."}}, "read_text_file", "list_directory")
	if err := os.WriteFile(filepath.Join(task.Dir, "a.txt"), []byte("contents"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := call(t, s, task, "read_text_file", map[string]any{"path": "a.txt"})
	if fields, ok := got.(map[string]any); ok {
		got = fields["content"]
	}
	if got != "contents" {
		t.Errorf("got %v", got)
	}
	_, err := s.Call(t.Context(), task, "it", "read_text_file", map[string]any{"path": "/etc/hostname"})
	fails(t, err, "error", "denied")
}

func TestServerMemory(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "memory.jsonl")
	s, task := servers(t, nil), taskWith(t, map[string]any{
		"command": []any{foreign(t, "mcp-server-memory")}, "env": map[string]any{"MEMORY_FILE_PATH": file},
	}, "create_entities", "read_graph")
	call(t, s, task, "create_entities", map[string]any{"entities": []any{map[string]any{"name": "ada", "entityType": "person", "observations": []any{"writes programs"}}}})
	got, _ := call(t, s, task, "read_graph", nil).(map[string]any)
	if entities, _ := got["entities"].([]any); len(entities) != 1 {
		t.Errorf("got %v", got)
	}
}
