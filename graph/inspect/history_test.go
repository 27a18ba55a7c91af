package inspect_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
)

// A cycle says how many nodes came to what, and which keys it changed. What is in the
// background ran where it began, and is no skip while it continues.
func TestHistoryTellsWhatACycleCameTo(t *testing.T) {
	t.Parallel()
	h, err := inspect.HistoryOf(t.Context(), after(t, 3), kinds{}, "s", 0)
	if err != nil {
		t.Fatal(err)
	}
	type came struct {
		Nodes   inspect.Tally
		Changed []string
	}
	var got []came
	for _, c := range h.Cycles {
		got = append(got, came{c.Nodes, c.Changed})
	}
	want := []came{
		{inspect.Tally{Ran: 3, Skipped: 1}, []string{"n"}}, // count, slow, small
		{inspect.Tally{Ran: 2, Skipped: 1}, []string{"n"}}, // slow is in the background
		{inspect.Tally{Ran: 2, Skipped: 1}, []string{"n"}}, // slow is over, and gave nothing
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// Records of 0.1.0 do not say who wrote a key: then it is whoever may have. A record that
// says it counts, whatever else may have been.
func TestHistoryNamesTheWriters(t *testing.T) {
	t.Parallel()
	r := after(t, 3)
	said, err := inspect.HistoryOf(t.Context(), r, kinds{}, "s", 0)
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	each := func(fn func(*journal.WaveCommitted)) {
		for i := range r.records {
			if b, ok := r.records[i].Body.(*journal.WaveCommitted); ok {
				c := *b
				fn(&c)
				r.records[i].Body = &c
			}
		}
	}
	each(func(b *journal.WaveCommitted) {
		named += len(b.Writers)
		b.Writers = nil
	})
	guessed, err := inspect.HistoryOf(t.Context(), r, kinds{}, "s", 0)
	if err != nil || named == 0 {
		t.Fatal(named, err)
	}
	if d := cmp.Diff(said, guessed); d != "" {
		t.Errorf("in this graph they are the same (-said +guessed)\n%s", d)
	}
	each(func(b *journal.WaveCommitted) {
		for _, key := range b.Changed {
			b.Writers = append(b.Writers, journal.Writer{Key: key, Event: "more"}, journal.Writer{Key: key, Answer: "small"}, journal.Writer{Key: key, Event: "more"})
		}
	})
	told, err := inspect.HistoryOf(t.Context(), r, kinds{}, "s", 0)
	if err != nil {
		t.Fatal(err)
	}
	want := []inspect.Write{{Key: "n", Nodes: []string{"small"}, Events: []string{"more"}}}
	if d := cmp.Diff(want, told.Cycles[0].Waves[0].Writes); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}
