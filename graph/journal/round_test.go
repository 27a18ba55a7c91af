package journal

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A round is exactly the records that it stands for: their numbers, their time and their
// bytes.
func TestRound(t *testing.T) {
	t.Parallel()
	var singles []Record
	at := record(2, nil).Time
	decided := make([]*NodeDecided, 3)
	for i := range decided {
		decided[i] = &NodeDecided{Wave: 1, Node: string(rune('a' + i)), Run: i == 1, Edges: []Verdict{{Live: true}, {}}}
		r := record(2+i, decided[i])
		r.Time = at
		singles = append(singles, r)
	}
	decided[2].Edges[1].Error = "index out of range"
	if b := NewRound(decided); len(b.Failed) != 1 || b.Failed[0] != decided[2] {
		t.Errorf("%d of the decisions have a condition that failed", len(b.Failed))
	}
	before, after := record(1, &CycleStarted{}), record(5, &WaveStarted{Wave: 1})
	singles = append([]Record{before}, append(singles, after)...)
	rounds := []Record{before, record(2, NewRound(decided)), after}
	if d := cmp.Diff(singles, slices.Collect(EachRecord(rounds))); d != "" {
		t.Errorf("one by one (-want +got)\n%s", d)
	}
	if d := cmp.Diff(singles, Singles(rounds)); d != "" || Count(rounds) != 5 || rounds[1].Last() != 5 || before.Last() != before.Seq {
		t.Errorf("%d records, the last of the round is %d (-want +got)\n%s", Count(rounds), rounds[1].Last(), d)
	}
	if same := Singles(singles); &same[0] != &singles[0] {
		t.Error("a list without rounds was copied")
	}
	for n := range 6 { // whoever has enough gets no more
		got := 0
		for range EachRecord(rounds) {
			if got++; got > n {
				break
			}
		}
		if want := min(n+1, 5); got != want {
			t.Errorf("%d records, want %d", got, want)
		}
	}
	a, err := json.Marshal(Snapshot{Records: rounds})
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(Snapshot{Records: singles})
	if err != nil || string(a) != string(b) {
		t.Errorf("the snapshot with rounds is\n%s, want\n%s, %v", a, b, err)
	}
}
