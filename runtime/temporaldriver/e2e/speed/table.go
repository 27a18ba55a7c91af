package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// table shows medians, and how long a cycle takes beside the workflow that is written by hand in
// the same round.
func table(all []figure) string {
	var b strings.Builder
	b.WriteString("| stacks | side | cycles a second | ms a cycle of a stack | processor ms a cycle | time a cycle beside by hand |\n")
	b.WriteString("| --- | --- | --- | --- | --- | --- |\n")
	type row struct {
		stacks int
		side   string
	}
	var rows []row
	for _, f := range all {
		if r := (row{f.stacks, f.side}); !slices.Contains(rows, r) {
			rows = append(rows, r)
		}
	}
	for _, r := range rows {
		var rates, cycles, cpus, ratios []float64
		for _, f := range all {
			if f.stacks != r.stacks || f.side != r.side {
				continue
			}
			rates = append(rates, f.rate)
			cycles = append(cycles, ms(f.cycle()))
			cpus = append(cpus, ms(f.cpu))
			for _, hand := range all {
				if hand.side == handSide && hand.stacks == f.stacks && hand.round == f.round {
					ratios = append(ratios, hand.rate/f.rate)
				}
			}
		}
		fmt.Fprintf(&b, "| %d | %s | %.1f | %.3f | %.3f | %.2f |\n", r.stacks, r.side, median(rates), median(cycles), median(cpus), median(ratios))
	}
	return b.String()
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// median is 0 if there are none.
func median(of []float64) float64 {
	if len(of) == 0 {
		return 0
	}
	slices.Sort(of)
	return (of[(len(of)-1)/2] + of[len(of)/2]) / 2
}
