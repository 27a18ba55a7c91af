package torture

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// hooks are what a copy of bbolt needs so that its writes can be recorded.
var hooks = map[string][][2]string{
	"db.go": {
		{"db.ops.writeAt = db.file.WriteAt", "db.ops.writeAt = func(b []byte, at int64) (int, error) {\n\t\tTrace('w', at, b)\n\t\treturn db.file.WriteAt(b, at)\n\t}"},
		{"if err := db.file.Truncate(int64(sz)); err != nil {", "Trace('t', int64(sz), nil)\n\t\t\tif err := db.file.Truncate(int64(sz)); err != nil {"},
		{"if err := db.file.Sync(); err != nil {", "Trace('s', 0, nil)\n\t\tif err := db.file.Sync(); err != nil {"},
	},
	"bolt_linux.go": {
		{"return syscall.Fdatasync", "Trace('s', 0, nil)\n\treturn syscall.Fdatasync"},
	},
}

// TestCrashStates runs explore_test.go with a copy of bbolt that reports its writes.
func TestCrashStates(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("SKIPPED: writes are recorded on Linux only")
	}
	if raceDetector {
		t.Skip("the states are looked at by a program of its own, built without the race detector")
	}
	t.Parallel()
	dir := t.TempDir()
	copied := filepath.Join(dir, "bbolt")
	source := output(t, "go", "list", "-m", "-f", "{{.Dir}}", "go.etcd.io/bbolt")
	if err := os.CopyFS(copied, os.DirFS(source)); err != nil {
		t.Fatal(err)
	}
	for name, edits := range hooks {
		path := filepath.Join(copied, name)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text := string(b)
		for _, edit := range edits {
			if strings.Count(text, edit[0]) != 1 {
				t.Fatalf("bbolt's %s has changed: %q is there %d times", name, edit[0], strings.Count(text, edit[0]))
			}
			text = strings.Replace(text, edit[0], edit[1], 1)
		}
		if err := os.Chmod(path, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	trace := "package bbolt\n\n// Trace hears of each write ('w'), truncation ('t') and sync ('s').\nvar Trace = func(op byte, at int64, b []byte) {}\n"
	if err := os.Chmod(copied, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(copied, "trace.go"), []byte(trace), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		b, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	modfile := filepath.Join(dir, "go.mod")
	output(t, "go", "mod", "edit", "-replace", "go.etcd.io/bbolt="+copied, modfile)
	t.Log(output(t, "go", "test", "-modfile", modfile, "-tags", "bbolttrace", "-run", "^TestExplore", "-count=1", "-v", "."))
}

func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = append(os.Environ(), "GOWORK=off") // -modfile is for one module
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}
