package boltstore

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
)

// lived makes a store in which everything that a file can hold is to be found,
// and says what is in it.
func lived(t *testing.T, path string) map[string]string {
	t.Helper()
	s := openAt(t, path, Options{Durability: runtime.DurabilityNone})
	want := map[string]string{}
	fork := func(w *wave, name string) *wave {
		c, f := w.fork(name)
		mustCommit(t, s, c)
		c = f.next()
		c.Changes = c.Changes[1:] // one key of three is its own
		mustCommit(t, s, c)
		text, err := content(s, name)
		if err != nil {
			t.Fatal(err)
		}
		want[name] = text
		return f
	}
	for i := range 6 {
		w := &wave{stack: fmt.Sprint("stack", i)}
		c := w.create()
		c.Graph = &runtime.StoredGraph{Hash: fmt.Sprint("hash", i%2), Name: "g", Def: []byte("{}")}
		mustCommit(t, s, c)
		for range 60 {
			w.cursor.CycleSeq = w.cursor.Seq + 1
			w.cursor.Cycle++
			c := w.next()
			c.Records[1].Body = &journal.EventReceived{Event: "e", ID: fmt.Sprint(w.n)}
			c.Records[3].Body = &journal.CycleFinished{}
			c.Changes = append(c.Changes, graph.Change{Name: "big", Whole: true, Value: strings.Repeat(fmt.Sprint("large ", i, w.n/7), 500)})
			c.Keep = graph.History{Cycles: 20}
			mustCommit(t, s, c)
		}
		text, err := content(s, w.stack)
		if err != nil {
			t.Fatal(err)
		}
		want[w.stack] = text
		if i == 0 || i == 5 {
			f := fork(w, fmt.Sprint("fork", i))
			fork(f, fmt.Sprint("forked", i))
		}
	}
	if err := s.Remove(ctx, "stack5"); err != nil {
		t.Fatal(err)
	}
	delete(want, "stack5")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return want
}

// expectContent compares all stacks of a file with what they were.
func expectContent(t *testing.T, path string, want map[string]string) {
	t.Helper()
	s := openAt(t, path, Options{})
	defer s.Close()
	list, err := stacks(s)
	if err != nil || len(list) != len(want) {
		t.Errorf("%d stacks, want %d (%v)", len(list), len(want), err)
	}
	for stack, text := range want {
		if got, err := content(s, stack); err != nil || got != text {
			t.Errorf("stack %q differs (%v)", stack, err)
		}
	}
}

func mustCheck(t *testing.T, path string) Report {
	t.Helper()
	report, err := Check(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestCheck(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "graphrun.db")
	want := lived(t, path)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	report := mustCheck(t, path)
	if len(report.Problems) > 0 || report.Stacks != len(want) || report.Graphs != 2 || report.Blobs == 0 || report.Bytes == 0 || report.ID == "" {
		t.Errorf("got %+v", report)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file was changed (%v)", err)
	}
	s := openAt(t, path, Options{})
	var inUse *runtime.StoreError
	if _, err := Check(ctx, path); !errors.As(err, &inUse) {
		t.Errorf("got %v for a store in use", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Check(ctx, path+"x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v for no file", err)
	}
}

// Each row that is spoilt, taken away or of too much is found.
func TestCheckFinds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "graphrun.db")
	lived(t, path)
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var keys [][]byte
	each := openAt(t, path, Options{})
	err = each.view(ctx, func(t *txn) error {
		return t.stacks.ForEach(func(key, _ []byte) error {
			keys = append(keys, bytes.Clone(key))
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(3, 4))
	kinds := map[byte]int{}
	for n, at := range rnd.Perm(len(keys)) {
		key := keys[at]
		if kinds[key[numberSize]]++; kinds[key[numberSize]] > 4 {
			continue
		}
		path := filepath.Join(dir, fmt.Sprint(n, ".db"))
		if err := os.WriteFile(path, sound, 0o600); err != nil {
			t.Fatal(err)
		}
		s := openAt(t, path, Options{})
		err := s.submit(true, func(t *txn) error {
			t.writes++
			switch n % 3 {
			case 0:
				return t.stacks.Delete(key)
			case 1:
				raw := bytes.Clone(t.stacks.Get(key))
				raw[rnd.IntN(len(raw))] ^= 1 << rnd.IntN(8)
				return t.stacks.Put(key, raw)
			}
			return t.stacks.Put(append(bytes.Clone(key), "more"...), bytes.Clone(t.stacks.Get(key)))
		})
		if err = errors.Join(err, s.Close()); err != nil {
			t.Fatal(err)
		}
		if report := mustCheck(t, path); len(report.Problems) == 0 && !harmless(key, n) {
			t.Errorf("row %q: case %d is not found", key, n%3)
		}
		_ = os.Remove(path)
	}
	if len(kinds) < 7 {
		t.Errorf("only rows of kinds %v were tried", kinds)
	}
}

// harmless: what a checkpoint has kept of an inline value may be missing
// without a sign when no state that is kept needs it.
func harmless(key []byte, n int) bool { return key[numberSize] == pointRow && n%3 == 0 }

func TestBackup(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, backup := filepath.Join(dir, "graphrun.db"), filepath.Join(dir, "backup.db")
	want := lived(t, path)
	s := openAt(t, path, Options{Durability: runtime.DurabilityNone})
	busy := &wave{stack: "busy"}
	mustCommit(t, s, busy.create())
	done := make(chan struct{})
	started := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 300 {
			if i == 20 {
				close(started)
			}
			if err := s.Commit(ctx, busy.next()); err != nil {
				t.Error(err)
			}
		}
	}()
	<-started
	if err := s.Backup(ctx, backup); err != nil {
		t.Fatal(err)
	}
	<-done
	if err := s.Backup(ctx, backup); !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v for a name that is taken", err)
	}
	if err := s.Backup(ctx, filepath.Join(dir, "none", "b.db")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v for a folder that is not there", err)
	}
	if report := mustCheck(t, backup); len(report.Problems) > 0 {
		t.Errorf("the backup is not sound: %+v", report.Problems)
	}
	b := openAt(t, backup, Options{})
	w, err := resume(b, "busy")
	if err != nil || w.n < 20 || w.n > 300 {
		t.Errorf("the backup has %d commits (%v)", w.n, err)
	}
	if err := b.Remove(ctx, "busy"); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	expectContent(t, backup, want)
	if left, _ := filepath.Glob(filepath.Join(dir, "*"+unfinishedMark+"*")); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

func TestCompact(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "graphrun.db")
	want := lived(t, path)
	s := openAt(t, path, Options{Durability: runtime.DurabilityNone})
	for i := range 200 { // all at once: the file must hold them at the same time
		c := (&wave{stack: fmt.Sprint("gone", i)}).create()
		c.Changes[1].Value = strings.Repeat("x", 50_000+i)
		mustCommit(t, s, c)
	}
	mustFlush(t, s)
	for i := range 200 {
		if err := s.Remove(ctx, fmt.Sprint("gone", i)); err != nil {
			t.Fatal(err)
		}
	}
	id := s.ID()
	if _, _, err := Compact(ctx, path); err == nil {
		t.Error("a store in use was compacted")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before, after, err := Compact(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() != after || after > before*9/10 {
		t.Errorf("%d bytes became %d (%v)", before, after, err)
	}
	if report := mustCheck(t, path); len(report.Problems) > 0 || report.ID != id {
		t.Errorf("got %+v", report)
	}
	expectContent(t, path, want)
}

// A damaged store is not rewritten: the file is all that is left of it.
func TestCompactDamaged(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "graphrun.db")
	s := openAt(t, path, Options{})
	c := (&wave{stack: "a"}).create()
	c.Changes[0].Value = "to-be-damaged"
	mustCommit(t, s, c)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file = bytes.ReplaceAll(file, []byte("to-be-damaged"), []byte("to-be-damage!"))
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Compact(ctx, path); !isStoreError(err) || !strings.Contains(err.Error(), `is damaged: stack "a"`) {
		t.Errorf("got %v", err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, file) {
		t.Errorf("the file was changed (%v)", err)
	}
}

// What is sound is saved, what is not is named, and the original stays.
func TestSalvage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "graphrun.db")
	want := lived(t, path)
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(5, 6))
	saved, dropped, nothing := 0, 0, 0
	for n := range 60 {
		file := bytes.Clone(sound)
		switch n % 4 {
		case 0: // nothing
		case 1: // flipped bits
			for range 8 {
				file[2*pageSize+rnd.IntN(len(file)-2*pageSize)] ^= 1 << rnd.IntN(8)
			}
		case 2: // a page is gone
			at := (2 + rnd.IntN(len(file)/pageSize-2)) * pageSize
			clear(file[at : at+pageSize])
		case 3: // cut off
			file = file[:len(file)/2+rnd.IntN(len(file)/2)]
			if n == 3 {
				file = file[:2*pageSize]
			}
		}
		from, to := filepath.Join(dir, "damaged.db"), filepath.Join(dir, fmt.Sprint("saved", n, ".db"))
		if err := os.WriteFile(from, file, 0o600); err != nil {
			t.Fatal(err)
		}
		report, err := Salvage(ctx, from, to)
		if after, err := os.ReadFile(from); err != nil || !bytes.Equal(after, file) {
			t.Fatalf("the original was changed (%v)", err)
		}
		if n%4 > 0 && err != nil { // what leads to everything else is lost
			nothing++
			if _, there := os.Stat(to); !isStoreError(err) || !strings.Contains(err.Error(), "nothing in it can be read: page ") || there == nil {
				t.Errorf("case %d: %v (%v)", n, err, there)
			}
			continue
		}
		if err != nil {
			t.Errorf("case %d: %v", n, err)
			continue
		}
		if n%4 == 0 && (len(report.Problems) > 0 || report.Stacks != len(want)) {
			t.Errorf("a sound file: %+v", report)
		}
		if left := mustCheck(t, to); len(left.Problems) > 0 {
			t.Errorf("case %d: what was saved is not sound: %+v", n, left.Problems)
		}
		s := openAt(t, to, Options{})
		for stack, text := range want {
			got, err := content(s, stack)
			switch {
			case errors.Is(err, runtime.ErrNotFound):
				dropped++
				if len(report.Problems) == 0 {
					t.Errorf("case %d: stack %q is missing without a word", n, stack)
				}
			case err != nil || got != text:
				t.Errorf("case %d: stack %q differs (%v)", n, stack, err)
			default:
				saved++
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		_ = os.Remove(to)
	}
	if saved == 0 || dropped == 0 || nothing == 0 {
		t.Errorf("%d stacks saved, %d dropped, %d files with nothing in them: all should happen", saved, dropped, nothing)
	}
	t.Logf("%d stacks saved, %d dropped, %d files with nothing in them", saved, dropped, nothing)
	if _, err := Salvage(ctx, path, path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v for a name that is taken", err)
	}
}

// What was saved takes the damaged file's place, and that one is kept.
func TestRepair(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "graphrun.db")
	want := lived(t, path)
	kept := path + ".damaged"
	s := openAt(t, path, Options{})
	if _, err := Repair(ctx, path, kept); !isStoreError(err) || !strings.Contains(err.Error(), "in use") {
		t.Errorf("got %v for a store in use", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	report, err := Repair(ctx, path, kept)
	if err != nil || report.Stacks != len(want) {
		t.Fatalf("got %+v (%v)", report, err)
	}
	if old, err := os.ReadFile(kept); err != nil || !bytes.Equal(old, file) {
		t.Errorf("the damaged file was not kept as it was (%v)", err)
	}
	expectContent(t, path, want)
	if _, err := Repair(ctx, path, kept); !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v for a name that is taken", err)
	}
	if left, _ := filepath.Glob(path + unfinishedMark + "*"); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// A history that is kept for so many cycles: the file stops growing.
func TestFileStopsGrowing(t *testing.T) {
	t.Parallel()
	cycles := 50_000
	if testing.Short() {
		cycles = 10_000
	}
	s := openAt(t, filepath.Join(t.TempDir(), "graphrun.db"), Options{Durability: runtime.DurabilityNone})
	w := &wave{stack: "long"}
	mustCommit(t, s, w.create())
	early := int64(0)
	for i := range cycles {
		w.cursor.Cycle++
		w.cursor.CycleSeq = w.cursor.Seq + 1
		c := w.next()
		c.Changes[1] = graph.Change{Name: "long", Whole: true, Value: strings.Repeat(fmt.Sprint(i), 600)}
		c.Records[3].Body = &journal.CycleFinished{Waves: 1}
		c.Keep = graph.History{Cycles: 1000}
		mustCommit(t, s, c)
		if i%1000 == 0 { // transactions of bbolt are as large each time
			mustFlush(t, s)
		}
		if i == 6000 {
			early = pages(t, s)
		}
	}
	mustFlush(t, s)
	// How many pages are free at a moment depends on how much each transaction held, and so on
	// the load of the machine. With all that was ever written there would be 100 times as many.
	if late := pages(t, s); late > early*2 {
		t.Errorf("%d pages after 6,000 cycles, %d after %d", early, late, cycles)
	}
	path := s.Path()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if report := mustCheck(t, path); len(report.Problems) > 0 {
		t.Errorf("%+v", report.Problems)
	}
}

// Copies and half-made files of processes that were killed do not stay: the next
// one that owns the store, or makes a copy, removes them.
func TestNoCopyStays(t *testing.T) {
	t.Parallel()
	dead := exec.Command(os.Args[0])
	dead.Env = append(os.Environ(), roleEnv+"=own", pathEnv+"="+filepath.Join(t.TempDir(), "other.db"))
	if err := dead.Run(); err != nil { // its standard input is empty: it ends at once
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "graphrun.db")
	lived(t, path)
	half, copied := path+unfinishedMark+"HALF", fmt.Sprint(path, unfinishedMark, "copy-", dead.Process.Pid)
	leave := func(names ...string) {
		t.Helper()
		for _, name := range names {
			if err := os.WriteFile(name, []byte("left"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	gone := func(what string) {
		t.Helper()
		if left, _ := filepath.Glob(path + ".*"); len(left) > 0 {
			t.Errorf("%s leaves %q", what, left)
		}
	}
	leave(copied, copied+".owner", copied+unfinishedMark+"HALF")
	own := CopyPath(path)
	gone("making a copy")
	s := openAt(t, path, Options{})
	if err := s.Backup(ctx, own); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if report, err := CheckCopy(ctx, own); err != nil || len(report.Problems) > 0 || report.Stacks == 0 {
		t.Errorf("%+v, %v", report, err)
	}
	gone("looking through a copy")
	leave(half, copied)
	mustCheck(t, path)
	gone("a check")
	leave(half, copied)
	if _, _, err := Compact(ctx, path); err != nil {
		t.Fatal(err)
	}
	gone("compacting")
	leave(half, copied)
	if err := openAt(t, path, Options{}).Close(); err != nil {
		t.Fatal(err)
	}
	gone("opening")
}
