//go:build linux

package mcp

import (
	"path/filepath"
	"testing"

	"github.com/graphrun/graphrun/nodes/internal/program"
)

// TestCloseEndsTheGroup: neither a server that ignores TERM and the end of its input nor
// what it started lives on.
func TestCloseEndsTheGroup(t *testing.T) {
	t.Parallel()
	s := servers(t, nil)
	file := filepath.Join(t.TempDir(), "pids")
	task := task(t, "stubborn "+file, "echo")
	kind := s.Spec().Node.(node)
	for range 2 {
		if err := kind.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	call(t, s, task, "echo", nil)
	pids := running(t, file, 2)
	if err := kind.Close(); err != nil {
		t.Error(err)
	}
	if !program.Runs(pids[0]) {
		t.Error("the first of two users ended the server")
	}
	if err := kind.Close(); err != nil {
		t.Error(err)
	}
	for _, pid := range pids {
		if program.Runs(pid) {
			t.Errorf("process %d of %v runs on", pid, pids)
		}
	}
}
