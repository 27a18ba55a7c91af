//go:build unix

package dsl_test

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/nodes/std"
)

// TestLoadRefusesWhatIsNoFile: opening a FIFO would wait for ever, and then the
// tests run into their time limit.
func TestLoadRefusesWhatIsNoFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Skip(err)
	}
	for path, want := range map[string]string{
		dir:                         "folder",
		fifo:                        "regular",
		"/dev/zero":                 "regular",
		filepath.Join(dir, "there"): "no such file",
	} {
		_, list := dsl.Load(path, std.Registry())
		if len(list) != 1 || list[0].Code != diag.MissingFile || !strings.Contains(list[0].Message, want) {
			t.Errorf("%s: got %v, want %q", path, list, want)
		}
	}
}
