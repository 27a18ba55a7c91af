package boltstore

import (
	"context"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
)

var ctx = context.Background()

// wave is the commit of a small wave: a few records, one key, one element.
type wave struct {
	stack  string
	cursor journal.Cursor
	n      int
}

func (w *wave) create() runtime.Commit {
	w.cursor.Status, w.cursor.Hash = journal.Running, "hash"
	c := runtime.Commit{Stack: w.stack, Create: &journal.Identity{Stack: w.stack, Graph: "bench", Nonce: "n"}}
	c.Changes = []graph.Change{
		{Name: "messages", Value: []any{}, Whole: true},
		{Name: "idea", Value: "none", Whole: true},
	}
	return w.add(c, 1)
}

func (w *wave) next() runtime.Commit {
	w.cursor.Wave++
	c := runtime.Commit{Stack: w.stack, Changes: []graph.Change{
		{Name: "idea", Value: "an idea that is one line long", Whole: true},
		{Name: "messages", Put: []graph.Element{{At: w.n, Value: map[string]any{"text": fmt.Sprint("message ", w.n)}}}},
	}}
	w.n++
	return w.add(c, 4)
}

func (w *wave) add(c runtime.Commit, records int) runtime.Commit {
	for range records {
		w.cursor.Seq++
		c.Records = append(c.Records, journal.Record{
			Seq: w.cursor.Seq, Time: time.Unix(int64(w.cursor.Seq), 0).UTC(), Stack: w.stack, Cycle: w.cursor.Cycle,
			Body: &journal.TaskStarted{Wave: w.cursor.Wave, Node: "builder", Attempt: 1},
		})
	}
	c.Cursor = w.cursor
	return c
}

// BenchmarkCommit is one stack, wave after wave; BenchmarkUpdate is the same
// number of bytes with a bare bbolt on the same disk.
func BenchmarkCommit(b *testing.B) {
	for _, d := range []runtime.Durability{runtime.DurabilityWave, runtime.DurabilityNone} {
		b.Run(string(d), func(b *testing.B) {
			s := openAt(b, filepath.Join(b.TempDir(), "graphrun.db"), Options{Durability: d})
			w := wave{stack: "bench"}
			if err := s.Commit(ctx, w.create()); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := s.Commit(ctx, w.next()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkUpdate(b *testing.B) {
	for _, noSync := range []bool{false, true} {
		b.Run(fmt.Sprintf("nosync=%v", noSync), func(b *testing.B) {
			db, err := bolt.Open(filepath.Join(b.TempDir(), "bare.db"), 0o600, &bolt.Options{NoSync: noSync})
			if err != nil {
				b.Fatal(err)
			}
			defer db.Close()
			value := []byte(strings.Repeat("x", 900))
			var key uint64
			b.ReportAllocs()
			for b.Loop() {
				err := db.Update(func(tx *bolt.Tx) error {
					bk, err := tx.CreateBucketIfNotExists([]byte("b"))
					if err != nil {
						return err
					}
					key++
					return bk.Put(binary.BigEndian.AppendUint64(nil, key), value)
				})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkCrowd is many stacks at once: commits share fsyncs.
func BenchmarkCrowd(b *testing.B) {
	for _, stacks := range []int{1, 100, 1000} {
		b.Run(fmt.Sprint(stacks), func(b *testing.B) {
			s := openAt(b, filepath.Join(b.TempDir(), "graphrun.db"), Options{})
			waves := make([]*wave, stacks)
			each := func(fn func(w *wave) runtime.Commit, times int) {
				var wg sync.WaitGroup
				for _, w := range waves {
					wg.Go(func() {
						for range times {
							if err := s.Commit(ctx, fn(w)); err != nil {
								b.Error(err)
							}
						}
					})
				}
				wg.Wait()
			}
			for i := range waves {
				waves[i] = &wave{stack: fmt.Sprint("s", i)}
			}
			each((*wave).create, 1)
			b.ResetTimer()
			each((*wave).next, (b.N+stacks-1)/stacks)
		})
	}
}

// BenchmarkStacks is the list of 100,000 stacks, as a start reads it.
func BenchmarkStacks(b *testing.B) {
	s := openAt(b, filepath.Join(b.TempDir(), "graphrun.db"), Options{Durability: runtime.DurabilityNone})
	var wg sync.WaitGroup
	for k := range 50 {
		wg.Go(func() {
			for i := range 2000 {
				w := &wave{stack: fmt.Sprintf("s%02d-%d", k, i)}
				mustCommit(b, s, w.create())
			}
		})
	}
	wg.Wait()
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		if err := s.Stacks(ctx, func(runtime.Summary) error { n++; return nil }); err != nil || n != 100_000 {
			b.Fatal(n, err)
		}
	}
}
