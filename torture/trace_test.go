package torture

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// edits are what is changed in files, by their names.
type edits map[string][][2]string

// hooks are what a copy of bbolt needs so that its writes can be recorded.
var hooks = edits{
	"db.go": {
		{"db.ops.writeAt = db.file.WriteAt", "db.ops.writeAt = func(b []byte, at int64) (int, error) {\n\t\tTrace('w', at, b)\n\t\treturn db.file.WriteAt(b, at)\n\t}"},
		{"if err := db.file.Truncate(int64(sz)); err != nil {", "Trace('t', int64(sz), nil)\n\t\t\tif err := db.file.Truncate(int64(sz)); err != nil {"},
		{"if err := db.file.Sync(); err != nil {", "Trace('s', 0, nil)\n\t\tif err := db.file.Sync(); err != nil {"},
	},
	"bolt_linux.go": {
		{"return syscall.Fdatasync", "Trace('s', 0, nil)\n\treturn syscall.Fdatasync"},
	},
}

const bboltTrace = "package bbolt\n\n// Trace hears of each write ('w'), truncation ('t') and sync ('s').\nvar Trace = func(op byte, at int64, b []byte) {}\n"

// logHooks are the same for the log, and small segments that change often.
var logHooks = edits{
	"runtime/commitlog/disk.go": {
		{"	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)\n", "	Trace('c', path, 0, nil)\n	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)\n"},
		{"return os.Remove(path)", "if _, err := os.Lstat(path); err == nil {\n		Trace('r', path, 0, nil)\n	}\n	return os.Remove(path)"},
		{"	d, err := os.Open(filepath.Clean(path))\n", "	Trace('d', path, 0, nil)\n	d, err := os.Open(filepath.Clean(path))\n"},
	},
	"runtime/commitlog/sync_linux.go": {
		{"	for {\n", "	Trace('s', f.Name(), 0, nil)\n	for {\n"},
	},
	"runtime/boltstore/tail.go": {
		{"applyEvery = time.Second", "applyEvery = 7 * time.Millisecond"},
		{"return commitlog.Options{Path: s.path, Store: s.id}", "return commitlog.Options{Path: s.path, Store: s.id, FirstPiece: 8 << 10, Piece: 16 << 10}"},
	},
}

const logTrace = `package commitlog

// Trace hears of what is done to files of the log: they are created, removed, written,
// truncated and synced, and the folder is synced.
var Trace = func(op byte, path string, at int64, b []byte) {}

func (f systemFile) WriteAt(b []byte, at int64) (int, error) {
	Trace('w', f.Name(), at, b)
	return f.File.WriteAt(b, at)
}

func (f systemFile) Truncate(size int64) error {
	Trace('t', f.Name(), size, nil)
	return f.File.Truncate(size)
}

func (f systemFile) Sync() error {
	Trace('s', f.Name(), 0, nil)
	return f.File.Sync()
}
`

// faults are put into the store; the states have to show each.
var faults = []struct {
	name string
	edits
}{
	{"a commit is acknowledged before the log is synced", edits{"runtime/commitlog/log.go": {
		{"	if sync {\n		if err := s.force(); err != nil {", "	if sync && l.pos%2 == 0 {\n		if err := s.force(); err != nil {"},
	}}},
	{"the log is found before bbolt knows of it", edits{"runtime/boltstore/tail.go": {
		{"		if err := frozen.into(tx); err != nil {\n			return err\n		}\n		return putMark(tx, mark)\n", "		return frozen.into(tx)\n"},
	}}},
	{"bbolt's mark is written before its rows", edits{"runtime/boltstore/tail.go": {
		{"	err := s.transact(func(tx *bolt.Tx) error {\n		t.mu.Lock()\n", "	if err := s.transact(func(tx *bolt.Tx) error { return putMark(tx, mark) }); err != nil {\n		return err\n	}\n	err := s.transact(func(tx *bolt.Tx) error {\n		t.mu.Lock()\n"},
	}}},
	{"bbolt is not synced", edits{"runtime/boltstore/store.go": {
		{"		NoFreelistSync:  true,\n", "		NoFreelistSync:  true,\n		NoSync: true,\n"},
	}}},
	{"a segment begins without its header on disk", edits{"runtime/commitlog/segment.go": {
		{"	if err := s.Sync(); err != nil {\n		return err\n	}\n	s.nonce = h.nonce\n", "	s.nonce = h.nonce\n"},
	}}},
	{"the frames of a segment that was there before count", edits{"runtime/commitlog/format.go": {
		{"for {\n		var n Nonce\n		_, _ = rand.Read(n[:]) // it never fails\n", "for {\n		n := Nonce{1}\n		_ = rand.Reader\n"},
	}}},
	{"the end of a segment is not synced", edits{"runtime/commitlog/log.go": {
		{"	return s.force()\n", "	return nil\n"},
	}}},
}

// TestCrashStates runs explore_test.go with a copy of bbolt and a log that report their
// writes.
func TestCrashStates(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("SKIPPED: writes are recorded on Linux only")
	}
	if raceDetector {
		t.Skip("the states are looked at by a program of its own, built without the race detector")
	}
	t.Parallel()
	modfile := tracedBolt(t)
	t.Run("as it is", func(t *testing.T) {
		t.Log(explorer(t, modfile, nil, "^TestExplore"))
	})
	for _, fault := range faults {
		t.Run(fault.name, func(t *testing.T) {
			logHooks.and(fault.edits).apply(t, "..") // each can be put into the store as it is now
			if !long {
				t.Skip("SKIPPED: each fault is a build of its own; set TORTURE=long")
			}
			t.Log(explorer(t, modfile, fault.edits, "^TestExplore$", "TORTURE_FAULT="+fault.name))
		})
	}
}

// explorer builds the test with some faults and runs it.
func explorer(t *testing.T, modfile string, faults edits, run string, env ...string) string {
	t.Helper()
	dir, root := t.TempDir(), output(t, "go", "list", "-m", "-f", "{{.Dir}}")
	replace := map[string]string{}
	write := func(name, text string) {
		to := filepath.Join(dir, strings.ReplaceAll(name, "/", "-"))
		if err := os.WriteFile(to, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		replace[filepath.Join(root, name)] = to
	}
	write("runtime/commitlog/trace.go", logTrace)
	for name, text := range logHooks.and(faults).apply(t, root) {
		write(name, text)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(file, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	return outputWith(t, env, "go", "test", "-modfile", modfile, "-overlay", file, "-tags", "bbolttrace", "-run", run, "-count=1", "-timeout=20m", "-v", ".")
}

// tracedBolt gives a go.mod with a copy of bbolt that reports its writes.
func tracedBolt(t *testing.T) (modfile string) {
	t.Helper()
	dir := t.TempDir()
	copied := filepath.Join(dir, "bbolt")
	source := output(t, "go", "list", "-m", "-f", "{{.Dir}}", "go.etcd.io/bbolt")
	if err := os.CopyFS(copied, os.DirFS(source)); err != nil {
		t.Fatal(err)
	}
	for name, text := range hooks.apply(t, copied) {
		path := filepath.Join(copied, name)
		if err := os.Chmod(path, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(copied, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(copied, "trace.go"), []byte(bboltTrace), 0o600); err != nil {
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
	modfile = filepath.Join(dir, "go.mod")
	output(t, "go", "mod", "edit", "-replace", "go.etcd.io/bbolt="+copied, modfile)
	return modfile
}

// and are both edits.
func (e edits) and(more edits) edits {
	all := edits{}
	for _, list := range []edits{e, more} {
		for name, pairs := range list {
			all[name] = append(all[name], pairs...)
		}
	}
	return all
}

// apply gives the files of a folder as they are with the edits.
func (e edits) apply(t *testing.T, root string) map[string]string {
	t.Helper()
	changed := map[string]string{}
	for name, pairs := range e {
		b, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		text := string(b)
		for _, pair := range pairs {
			if strings.Count(text, pair[0]) != 1 {
				t.Fatalf("%s has changed: %q is there %d times", name, pair[0], strings.Count(text, pair[0]))
			}
			text = strings.Replace(text, pair[0], pair[1], 1)
		}
		changed[name] = text
	}
	return changed
}

func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	return outputWith(t, nil, name, args...)
}

func outputWith(t *testing.T, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = append(append(os.Environ(), "GOWORK=off"), env...) // -modfile is for one module
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}
