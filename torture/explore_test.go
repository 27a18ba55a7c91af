//go:build bbolttrace

package torture

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	goruntime "runtime"
	"sync"
	"testing"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/boltstore"
)

// controlEnv is set when a fault was put into the store: the test passes if it finds bad
// states.
const controlEnv = "TORTURE_FAULT"

// state is a state of the disk, and what is asked of it.
type state struct {
	image
	name  string
	check func(found map[string]journal.Snapshot, err error) error
}

// result counts states, and those from which too little or too much came back.
type result struct {
	states, refused, bad int
	errs                 []error // the first bad ones
}

// look opens the store of each state, as the engine does, and reads its stacks.
func (r *recording) look(t *testing.T, each func(yield func(state))) result {
	t.Helper()
	var mu sync.Mutex
	var sum result
	var wg sync.WaitGroup
	queue := make(chan state)
	for range goruntime.GOMAXPROCS(0) {
		dir := memoryDir(t)
		wg.Go(func() {
			for s := range queue {
				found, err := r.open(dir, s.image)
				bad := s.check(found, err)
				mu.Lock()
				sum.states++
				if err != nil {
					sum.refused++
				}
				if bad != nil {
					if sum.bad++; len(sum.errs) < 10 {
						sum.errs = append(sum.errs, fmt.Errorf("%s: %w", s.name, bad))
					}
				}
				mu.Unlock()
			}
		})
	}
	each(func(s state) { queue <- s })
	close(queue)
	wg.Wait()
	return sum
}

// errProblems says that a stack is not there, and that the doctor knows of damage.
var errProblems = errors.New("a stack is missing, and damage is reported")

// open gives the stacks of a store.
func (r *recording) open(dir string, i image) (map[string]journal.Snapshot, error) {
	if err := i.write(dir); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, databaseName)
	s, err := boltstore.Open(path, boltstore.Options{})
	if err != nil {
		return nil, err
	}
	found, missing := map[string]journal.Snapshot{}, false
	for id := range r.stacks {
		snap, err := s.Load(context.Background(), id)
		if errors.Is(err, runtime.ErrNotFound) {
			missing = true
			continue
		}
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
		if err := sound(snap.State); err != nil {
			return nil, errors.Join(fmt.Errorf("stack %s has wrong values: %w", id, err), s.Close())
		}
		found[id] = snap
	}
	if err := s.Close(); err != nil {
		return nil, err
	}
	if left, _ := filepath.Glob(path + ".log*"); len(left) > 0 {
		return nil, fmt.Errorf("the store is closed, and %v is left", left)
	}
	if !missing {
		return found, nil
	}
	if report, err := boltstore.Check(context.Background(), path); err != nil || len(report.Problems) > 0 {
		return nil, errors.Join(errProblems, err)
	}
	return found, nil
}

// fits accepts the acknowledged commits of each stack, with or without the open one.
func (r *recording) fits(at int) func(map[string]journal.Snapshot, error) error {
	return func(found map[string]journal.Snapshot, err error) error {
		if err != nil {
			return err
		}
		for id, c := range r.stacks {
			last, got := c.commit(at), found[id].Cursor.Seq
			if got != c.seqs[last] && (last+1 == len(c.seqs) || got != c.seqs[last+1]) {
				return fmt.Errorf("stack %s: record %d came back, %d was acknowledged", id, got, c.seqs[last])
			}
		}
		return nil
	}
}

// prefix accepts whatever a stack was at some time.
func (r *recording) prefix(found map[string]journal.Snapshot, err error) error {
	if err != nil {
		return err
	}
	return r.known(found)
}

func (r *recording) known(found map[string]journal.Snapshot) error {
	for id, c := range r.stacks {
		got, known := found[id].Cursor.Seq, false
		for _, seq := range c.seqs {
			known = known || seq == got
		}
		if !known {
			return fmt.Errorf("stack %s: record %d came back, which ends no commit", id, got)
		}
	}
	return nil
}

// explore looks at the states that a crash can leave after each operation. check says what
// has to come back after one.
func (r *recording) explore(t *testing.T, lies liar, step, some int, check func(at int) func(map[string]journal.Snapshot, error) error) result {
	t.Helper()
	rnd := rand.New(rand.NewPCG(7, 8))
	return r.look(t, func(yield func(state)) {
		d := &tracedDisk{stable: r.first(), lies: lies}
		for at := 0; ; at++ {
			if at%step == 0 {
				for i, image := range d.images(rnd, some) {
					yield(state{image, fmt.Sprintf("image %d after operation %d of %d", i, at, len(r.ops)), check(at)})
				}
			}
			if at == len(r.ops) {
				return
			}
			d.next(r.ops[at])
		}
	})
}

func (r *recording) String() string {
	n := 0
	for _, c := range r.stacks {
		n += len(c.seqs) - 1
	}
	made := 0
	for _, o := range r.ops {
		if o.kind == 'c' {
			made++
		}
	}
	return fmt.Sprintf("%d stacks, %d commits, %d operations, %d files of the log", len(r.stacks), n, len(r.ops), made)
}

// From every state that a crash can leave, everything acknowledged comes back.
func TestExplore(t *testing.T) {
	if os.Getenv(controlEnv) != "" {
		r := record(t, runtime.DurabilityWave, 3, 8)
		got := r.explore(t, nil, 2, 5, r.fits)
		t.Logf("%v; %d states, %d bad: %v", r, got.states, got.bad, errors.Join(got.errs...))
		if got.bad == 0 {
			t.Error("a fault was put into the store, and no state is bad")
		}
		return
	}
	cycles, step, some, want := 4, 3, 3, 1
	if long {
		cycles, step, some, want = 40, 1, 8, 20000
	}
	for states := 0; states < want; { // no run is like another
		r := record(t, runtime.DurabilityWave, 3, cycles)
		got := r.explore(t, nil, step, some, r.fits)
		states += got.states
		t.Logf("%v; %d states, %d bad", r, got.states, got.bad)
		for _, err := range got.errs {
			t.Error(err)
		}
		if t.Failed() {
			return
		}
	}
}

// A disk that lies about syncs is found out, whichever of the files it lies about.
func TestExploreLiars(t *testing.T) {
	step := 10
	if long {
		step = 2
	}
	r := record(t, runtime.DurabilityWave, 3, 6)
	for name, lies := range map[string]liar{
		"all":          func(op) bool { return true },
		"the log":      func(o op) bool { return o.kind == 's' && o.file > 0 },
		"the database": func(o op) bool { return o.kind == 's' && o.file == 0 },
		"the folder":   func(o op) bool { return o.kind == 'd' },
	} {
		got := r.explore(t, lies, step, 4, r.fits)
		t.Logf("control, a disk that lies about syncs of %s: %d of %d states are bad", name, got.bad, got.states)
		if got.bad == 0 {
			t.Errorf("a disk that lies about syncs of %s: no state is bad: the test cannot find what it looks for", name)
		}
	}
}

// Without syncs of the log a power cut loses what came last, and damages nothing: each stack
// is what it was at some time, and not before what was in the database.
func TestExploreNone(t *testing.T) {
	cycles, step := 6, 4
	if long {
		cycles, step = 20, 1
	}
	r := record(t, runtime.DurabilityNone, 3, cycles)
	got := r.explore(t, nil, step, 6, func(int) func(map[string]journal.Snapshot, error) error { return r.prefix })
	t.Logf("%v; %d states, %d bad", r, got.states, got.bad)
	for _, err := range got.errs {
		t.Error(err)
	}
}
