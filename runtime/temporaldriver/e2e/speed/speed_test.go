package main

import (
	"strings"
	"testing"
	"time"
)

// TestMeasures: every side does the work.
func TestMeasures(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts servers")
	}
	all, err := measureAll(t.Context(), &options{stacks: []int{2}, rounds: 1, time: time.Second, pool: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		if f.rate <= 0 || f.cycle() <= 0 {
			t.Errorf("%+v", f)
		}
	}
	if text := table(all); strings.Count(text, "\n| 2 |") != 4 {
		t.Errorf("the table lacks a side:\n%s", text)
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	got := table([]figure{
		{driverSide, 10, 0, 50, 40 * time.Millisecond}, {handSide, 10, 0, 100, 20 * time.Millisecond},
		{driverSide, 10, 1, 60, 30 * time.Millisecond}, {handSide, 10, 1, 60, 20 * time.Millisecond},
	})
	if want := "| 10 | on Temporal | 55.0 | 183.333 | 35.000 | 1.50 |"; !strings.Contains(got, want) {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
