package storetest

import (
	"fmt"
	"testing"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
)

// round makes the next commit: a record, and a round of n decisions.
func (st *stack) round(n int) runtime.Commit {
	c := st.commit(1 + n)
	first := c.Records[1]
	b := &journal.Round{}
	for i := range n {
		d := &journal.NodeDecided{Wave: 1, Node: fmt.Sprint("n", i), Run: i == 1,
			Edges: []journal.Verdict{{Edge: i, From: "start", When: "state.a == 1", Live: i == 1}}}
		b.Decided = append(b.Decided, d)
		r := &st.records[int(first.Seq)-1+i]
		r.Time, r.Body = first.Time, d
	}
	first.Body = b
	c.Records = append(c.Records[:1:1], first)
	return c
}

// checkRounds: a round is read as the records that it stands for, from any of them and up
// to any, and counts as many when a commit follows it or is repeated.
func checkRounds(t *testing.T, s runtime.Store, again func() runtime.Store) {
	st := newStack("rounds")
	must(t, s.Commit(ctx, st.commit(1, whole("a", nil))))
	var last runtime.Commit
	for _, n := range []int{2, 5, 300} {
		last = st.round(n)
		must(t, s.Commit(ctx, last))
		must(t, s.Commit(ctx, last)) // a repetition
	}
	st.expect(t, s)
	s = again()
	must(t, s.Commit(ctx, last))
	must(t, s.Commit(ctx, st.commit(1)))
	st.expect(t, s)
	for from := range uint64(14) {
		for _, n := range []uint64{1, 4} {
			w := journal.Want{From: from + 1, To: from + n, Bulk: true}
			equal(t, fmt.Sprintf("records that %+v wants", w), lines(read(t, s, "rounds", w)), lines(st.wanted(w)))
		}
	}
}
