//go:build bbolttrace

package torture

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/commitlog"
)

// A log of another time than the database is refused, or holds what the database lacks. None
// is refused too, unless the database was closed.
func TestExploreTimes(t *testing.T) {
	cycles, pairs := 6, 200
	if long {
		cycles, pairs = 20, 3000
	}
	r := record(t, runtime.DurabilityWave, 3, cycles)
	rnd := rand.New(rand.NewPCG(9, 9))
	var times []image // everything is on disk
	now := r.first()
	for _, o := range r.ops {
		times = append(times, now.clone())
		now.do(o)
	}
	times = append(times, now)
	older, newer, none := 0, 0, 0
	got := r.look(t, func(yield func(state)) {
		for i := range pairs {
			db, log := rnd.IntN(len(times)), rnd.IntN(len(times))
			mixed := image{map[string]int{databaseName: 0}, map[int][]byte{0: times[db].data[0]}}
			if i%4 > 0 {
				for name, file := range times[log].names {
					if file > 0 {
						mixed.names[name], mixed.data[file] = file, times[log].data[file]
					}
				}
			}
			least := min(db, log)
			yield(state{mixed, fmt.Sprintf("the database after operation %d with the log after %d", db, log), func(found map[string]journal.Snapshot, err error) error {
				if err != nil {
					return r.refusal(err, &older, &newer, &none)
				}
				if err := r.known(found); err != nil {
					return err
				}
				// What was acknowledged when the older one of the two was taken is there.
				for id, c := range r.stacks {
					if got := found[id].Cursor.Seq; i%4 > 0 && got < c.seqs[c.commit(least)] {
						return fmt.Errorf("stack %s: record %d came back, %d was acknowledged", id, got, c.seqs[c.commit(least)])
					}
				}
				return nil
			}})
		}
	})
	t.Logf("%v; %d pairs, %d refused (%d for a log that misses, %d for one that does not fit, %d for damage), %d bad", r, got.states, got.refused, none, older, newer, got.bad)
	for _, err := range got.errs {
		t.Error(err)
	}
	if none == 0 || older == 0 {
		t.Error("too little happened for the test to mean anything")
	}
}

var refusals sync.Mutex

// refusal counts the ways in which a store is refused. None other is right.
func (r *recording) refusal(err error, foreign, damaged, missing *int) error {
	refusals.Lock()
	defer refusals.Unlock()
	var f *commitlog.Foreign
	var m *commitlog.Missing
	var d *commitlog.Damage
	switch {
	case errors.As(err, &f):
		*foreign++
	case errors.As(err, &m):
		*missing++
	case errors.As(err, &d):
		*damaged++
	default:
		return err
	}
	return nil
}

// A flipped bit in any of the files is found, or costs at most what nobody can know to have
// been on disk: the last group of the log. No wrong value comes out.
func TestExploreFlips(t *testing.T) {
	cycles, flips := 6, 300
	if long {
		cycles, flips = 20, 3000
	}
	r := record(t, runtime.DurabilityWave, 3, cycles)
	rnd := rand.New(rand.NewPCG(3, 9))
	d := &tracedDisk{stable: r.first()}
	got := r.look(t, func(yield func(state)) {
		for at, o := range r.ops {
			for range flips/len(r.ops) + 1 {
				all := d.stable.clone()
				for _, o := range d.loose {
					all.do(o)
				}
				file := d.flip(all, rnd)
				yield(state{all, fmt.Sprintf("a bit of file %d after operation %d", file, at), func(found map[string]journal.Snapshot, err error) error {
					var refused *runtime.StoreError
					if errors.As(err, &refused) || errors.Is(err, errProblems) {
						return nil
					}
					if err != nil {
						return err
					}
					for id, c := range r.stacks {
						if got, last := found[id].Cursor.Seq, c.commit(at); got < c.seqs[max(last-1, 0)] {
							return fmt.Errorf("stack %s: record %d came back, %d was acknowledged", id, got, c.seqs[last])
						}
					}
					return r.known(found)
				}})
			}
			d.next(o)
		}
	})
	t.Logf("%v; %d flips, %d refused, %d bad", r, got.states, got.refused, got.bad)
	for _, err := range got.errs {
		t.Error(err)
	}
	if got.refused == 0 || got.refused == got.states {
		t.Error("too little happened for the test to mean anything")
	}
}

// flip flips a bit of one of the files, where something is.
func (d *tracedDisk) flip(i image, rnd *rand.Rand) (file int) {
	files := slices.Sorted(maps.Values(i.names))
	file = files[rnd.IntN(len(files))]
	b := bytes.Clone(i.data[file])
	for try := 0; try < 20 && len(b) > 0; try++ {
		if at := rnd.IntN(len(b)); b[at] != 0 {
			b[at] ^= 1 << rnd.IntN(8)
			break
		}
	}
	i.data[file] = b
	return file
}
