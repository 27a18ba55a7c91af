package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"
)

// TestTable: medians, ratios turn by turn, and what became of the goals.
func TestTable(t *testing.T) {
	t.Parallel()
	took := func(ms ...int) (list []figures) {
		for _, n := range ms {
			list = append(list, figures{Cycles: 10, Commits: 30, Took: time.Duration(n) * time.Millisecond, CPU: time.Duration(2*n) * time.Millisecond})
		}
		return list
	}
	tr := trial{job: job{Work: orchestrator, Class: memory}, sides: []string{"func", "set", "eino"},
		shows: []shown{{msACycle, []goal{{"func", 1.0, "eino"}, {"set", 0.3, "eino"}, {"func", 3, ""}}}}}
	r := result{trial: tr, work: works()[orchestrator], turns: map[string][]figures{
		"func": took(10, 20, 90), "set": took(5, 4, 30), "eino": took(5, 40, 100),
	}}
	var out bytes.Buffer
	printAll(&out, []result{r}, "here")
	for _, want := range []string{
		"| orchestrator's cycle | memory | a cycle, ms | **2.00** (1.00–9.00) | **0.5** (0.4–3.00) | eino 4.00 |",
		"func ≤ 1 × eino: met (0.9 ×, of the processors 0.9 ×); set ≤ 0.3 × eino: met (0.3 ×, of the processors 0.3 ×); func ≤ 3.00 met |",
		"| orchestrator's cycle | memory | func | 2.00 | 4,000 | 3.00 |",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
}

func TestNumber(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]string{0.0123: "0.012", 1.234: "1.23", 45.67: "45.7", 678.9: "679", 1234.5: "1,234", 103_119: "103,119", -12_345_678: "-12,345,678"} {
		if got := number(v); got != want {
			t.Errorf("number(%v) is %q, want %q", v, got, want)
		}
	}
}

// TestFlags: what the command does not understand it says, before it measures.
func TestFlags(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{"-run nothing-of-it": "no row matches", "-run (": "-run: ", "-turns 0": "at least one turn", "more": "no arguments"} {
		err := command(t.Context(), strings.Fields(args), io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", args, err, want)
		}
	}
	var out bytes.Buffer
	if err := command(t.Context(), []string{"-list"}, &out, io.Discard); err != nil || strings.Count(out.String(), "\n") != len(trials()) {
		t.Errorf("-list: %v\n%s", err, out.String())
	}
}
