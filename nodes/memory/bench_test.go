package memory

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime/boltstore"
)

// BenchmarkSearch searches a memory in a file by words and vectors of 1,536 dimensions:
// warm when all of it was read before, cold when nothing was.
func BenchmarkSearch(b *testing.B) {
	for _, n := range []int{1000, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			if n > 10_000 && testing.Short() {
				b.Skip("100,000 items take 2 GB and a minute to write")
			}
			r, random := large(b, n)
			embed := func(context.Context, nodes.Task, string, []string) ([][]float32, error) {
				return [][]float32{random()}, nil
			}
			search := func(b *testing.B, m *Memories) {
				out, err := m.Search(b.Context(), r.task(), "facts", "word7 word123 word999", 5)
				if err != nil || len(out.([]any)) != 5 {
					b.Fatal(out, err)
				}
			}
			b.Run("warm", func(b *testing.B) {
				m := &Memories{Embed: embed}
				search(b, m)
				for b.Loop() {
					search(b, m)
				}
			})
			b.Run("cold", func(b *testing.B) {
				for b.Loop() {
					search(b, &Memories{Embed: embed})
				}
			})
		})
	}
}

// large makes a memory of n items, with texts of 40 words.
func large(b *testing.B, n int) (*rig, func() []float32) {
	rnd := rand.New(rand.NewPCG(1, 2))
	random := func() []float32 {
		v := make([]float32, 1536)
		for i := range v {
			v[i] = rnd.Float32() - 0.5
		}
		return v
	}
	s, err := boltstore.Open(filepath.Join(b.TempDir(), "graphrun.db"), boltstore.Options{Durability: "none"})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	r := newRig(b, "p/m")
	r.store, r.seq = s, 0
	r.commit(0)
	for i := 0; i < n; {
		var list []journal.MemoryWrite
		for ; i < n && len(list) < 500; i++ {
			var text strings.Builder
			for range 40 {
				fmt.Fprintf(&text, "word%d ", int(rnd.ExpFloat64()*300))
			}
			list = append(list, journal.MemoryWrite{ID: fmt.Sprint(i), Text: text.String(), Data: map[string]any{"n": int64(i)}, Model: "p/m", Vector: textOf(random())})
		}
		r.commit(0, list...)
		r.items = nil
	}
	return r, random
}
