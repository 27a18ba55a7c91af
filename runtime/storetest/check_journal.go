package storetest

import (
	"errors"
	"testing"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
)

// checkIdentity: what is known of a stack comes back in every field.
func checkIdentity(t *testing.T, s runtime.Store, again func() runtime.Store) {
	st := newStack("identity")
	st.cursor = journal.Cursor{
		Reason: "because", Cycle: 3, Wave: 2, Open: true, CycleSeq: 1, WakeAt: began, Due: began, Expires: began, IdleInRow: 4, FailedInRow: 5,
		Counts: journal.Counts{Cycles: 1, NodeRuns: 1 << 60, Failures: 2, Tokens: 7, Cost: 0.125},
		Last:   map[string]journal.Settled{"a": {Node: "a", Status: "failed", Attempts: 2, Error: &journal.Failure{Kind: "exit", Message: "m"}}},
	}
	must(t, s.Commit(ctx, st.commit(1, whole("a", nil))))
	s = again()
	snap, err := s.Load(ctx, "identity")
	must(t, err)
	last := snap.Cursor.Last["a"]
	if last.Error == nil || *last.Error != *st.cursor.Last["a"].Error {
		t.Errorf("got %+v", last)
	}
	last.Error = st.cursor.Last["a"].Error // describe prints where it points to
	snap.Cursor.Last = map[string]journal.Settled{"a": last}
	equal(t, "cursor", describe(snap.Cursor), describe(st.cursor))
	equal(t, "identity", describe(snap.Identity), describe(*st.identity()))
	list := summaries(t, s)
	if len(list) != 1 || list[0].Err != nil {
		t.Fatalf("got %d stacks", len(list))
	}
	equal(t, "identity in the list", describe(list[0].Identity), describe(*st.identity()))
}

// checkRecords: the history is complete, in order, and can be read from any
// record on.
func checkRecords(t *testing.T, s runtime.Store, again func() runtime.Store) {
	st := newStack("records")
	must(t, s.Commit(ctx, st.commit(1, whole("a", nil))))
	for i := range 40 {
		must(t, s.Commit(ctx, st.commit(i%5)))
	}
	s = again()
	st.expect(t, s)
	for from := range st.cursor.Seq + 3 {
		got := read(t, s, "records", journal.Want{From: from, Bulk: true})
		want := st.records[min(max(int(from)-1, 0), len(st.records)):]
		equal(t, "records", lines(got), lines(want))
	}
}

// checkOpenCycle: a snapshot brings the records since its cycle began.
func checkOpenCycle(t *testing.T, s runtime.Store, again func() runtime.Store) {
	st := newStack("open")
	must(t, s.Commit(ctx, st.commit(3, whole("a", nil))))
	for cycle := range uint64(5) {
		st.cursor.Cycle, st.cursor.Open, st.cursor.CycleSeq = cycle+1, true, st.cursor.Seq+2
		for range 4 {
			must(t, s.Commit(ctx, st.commit(3)))
			s = again()
			st.expect(t, s)
		}
	}
}

func checkRecordsStop(t *testing.T, s runtime.Store, _ func() runtime.Store) {
	st := newStack("stop")
	must(t, s.Commit(ctx, st.commit(9, whole("a", nil))))
	enough := errors.New("enough")
	n := 0
	err := s.Records(ctx, "stop", journal.Want{From: 3}, func(r journal.Record) error {
		if n++; n == 4 {
			if _, err := s.Load(ctx, "stop"); err != nil { // the store may be used within
				return err
			}
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) || n != 4 {
		t.Errorf("got %v after %d records", err, n)
	}
}

// checkRepeated: a commit that is there already changes nothing, whatever it
// brings along.
func checkRepeated(t *testing.T, s runtime.Store, again func() runtime.Store) {
	st := newStack("repeated")
	create := st.commit(2, whole("n", int64(1)), whole("log", []any{"a"}))
	must(t, s.Commit(ctx, create))
	must(t, s.Commit(ctx, create))
	second := st.commit(2, whole("n", int64(2)))
	must(t, s.Commit(ctx, second))
	must(t, s.Commit(ctx, second))
	s = again()
	must(t, s.Commit(ctx, second))
	must(t, s.Commit(ctx, create))
	st.expect(t, s)
	third := st.commit(1, whole("n", int64(3)))
	must(t, s.Commit(ctx, third))
	must(t, s.Commit(ctx, second))
	s = again()
	st.expect(t, s)
	must(t, s.Commit(ctx, st.commit(0, whole("n", int64(4))))) // without records: not a repetition
	st.expect(t, again())
}

// checkGaps: records follow each other, or the commit is refused whole.
func checkGaps(t *testing.T, s runtime.Store, again func() runtime.Store) {
	st := newStack("gaps")
	must(t, s.Commit(ctx, st.commit(3, whole("n", int64(1)))))
	for _, first := range []int{1, 3} { // overlapping, leaving one out
		ahead := newStack("gaps")
		ahead.cursor.Seq = uint64(first)
		if err := s.Commit(ctx, ahead.commit(4, whole("n", int64(9)))); err == nil && first != 3 {
			t.Errorf("a commit that begins at record %d was taken after record 3", first+1)
		} else if first == 3 {
			must(t, err)
			st.records = append(st.records, ahead.records...)
			st.state, st.cursor = ahead.state, ahead.cursor
		}
	}
	ahead := newStack("gaps")
	ahead.cursor.Seq = st.cursor.Seq + 1
	if err := s.Commit(ctx, ahead.commit(1, whole("n", int64(9)))); err == nil {
		t.Error("a commit that leaves a record out was taken")
	}
	st.expect(t, again())
}
