package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
)

// checkQuestions: many open questions come and go, at any place, and are in the cursor as
// they were at each checkpoint too.
func checkQuestions(t *testing.T, s runtime.Store, again func() runtime.Store) {
	rnd := rand.New(rand.NewPCG(1, 2))
	st := newStack("questions")
	asked := 0
	question := func(node string) journal.Waiting {
		asked++
		w := journal.Waiting{
			Node: node, Item: fmt.Sprint("item ", asked), Kind: "approval", Cycle: 1, Wave: 1,
			Since: began.Add(time.Duration(asked) * time.Second), With: map[string]any{"prompt": int64(asked)},
		}
		if asked%7 == 0 {
			w.With = map[string]any{"prompt": strings.Repeat("long ", 1000)}
		}
		return w
	}
	then := map[uint64]string{0: describe(journal.Cursor{})}
	for i := range 120 {
		waiting := map[string][]journal.Waiting{}
		for _, w := range st.cursor.Waiting {
			if rnd.IntN(20) > 0 {
				w.Lost = w.Lost || rnd.IntN(50) == 0
				waiting[w.Node] = append(waiting[w.Node], w)
			}
		}
		for _, node := range []string{"a", "ab", "b"} {
			for range rnd.IntN(4) {
				waiting[node] = append(waiting[node], question(node))
			}
			if rnd.IntN(10) == 0 {
				slices.Reverse(waiting[node])
			}
			if rnd.IntN(12) == 0 {
				delete(waiting, node)
			}
		}
		st.cursor.Waiting = slices.Concat(waiting["a"], waiting["ab"], waiting["b"])
		asking := slices.Clone(st.cursor.Asking)
		for range rnd.IntN(3) {
			asking = append(asking, question([]string{"x", "y"}[rnd.IntN(2)]))
		}
		if n := len(asking); n > 0 && rnd.IntN(2) == 0 {
			asking[rnd.IntN(n)].Held = true
			asking = slices.Delete(asking, n/2, n/2+1)
		}
		st.cursor.Asking = asking

		c := st.commit(1, whole("n", int64(i)))
		st.cursor.Cycle++
		st.cursor.Seq++
		st.cursor.CycleSeq = st.cursor.Seq
		end := journal.Record{Seq: st.cursor.Seq, Time: began.Add(time.Duration(st.cursor.Seq) * time.Second), Stack: st.name,
			Cycle: st.cursor.Cycle, Body: &journal.CycleFinished{}}
		st.records = append(st.records, end)
		c.Records, c.Cursor, c.Keep = append(c.Records, end), st.cursor, graph.History{Cycles: 1000}
		must(t, s.Commit(ctx, c))
		must(t, s.Commit(ctx, c)) // does nothing
		then[st.cursor.Seq] = describe(st.cursor)
		if i%20 == 19 {
			s = again()
			st.expect(t, s)
		}
	}
	for cycle := range st.cursor.Cycle {
		snap, err := s.Base(ctx, st.name, journal.Point{Cycle: cycle + 1})
		must(t, err)
		equal(t, fmt.Sprintf("cursors at record %d", snap.Cursor.Seq), describe(snap.Cursor), then[snap.Cursor.Seq])
	}
	all := summaries(t, s)
	equal(t, "cursors in the list", describe(all[0].Cursor), describe(st.cursor))
	must(t, s.Remove(ctx, st.name))
}
