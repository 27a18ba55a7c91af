package main

import (
	"fmt"
	"io"
	"math"
	"os"
	goruntime "runtime"
	"slices"
	"strconv"
	"strings"
)

// machine says where the figures come from.
func machine(dir string) string {
	s := fmt.Sprintf("%d cores, %s/%s, %s", goruntime.NumCPU(), goruntime.GOOS, goruntime.GOARCH, goruntime.Version())
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		s += ", load at the end " + strings.Join(strings.Fields(string(load))[:1], "")
	}
	if inMemory(dir) {
		s += ". THE FILES WERE IN MEMORY: what is power-safe here cost nothing"
	}
	return s
}

// printAll prints the two tables: what was measured beside its goals, and what it took.
func printAll(out io.Writer, results []result, where string) {
	fmt.Fprintf(out, "Medians of %d to %d turns; in brackets the least and the most. Ratios are medians of the\nratios of each turn. %s.\n\n",
		fewest(results), most(results), where)
	fmt.Fprintln(out, "| work | class | quantity | func | set | beside | goals |")
	fmt.Fprintln(out, "| --- | --- | --- | --- | --- | --- | --- |")
	for _, r := range results {
		for _, s := range r.shows {
			fmt.Fprintf(out, "| %s | %s | %s | %s | %s | %s | %s |\n", r.what(), r.job.Class, s.what.title(), r.value(s.what, r.first()), r.value(s.what, "set"), r.beside(s.what), r.goals(s))
		}
	}
	fmt.Fprintf(out, "\nWhat a cycle took. Bytes are those passed to write calls (wchar of /proc/self/io) until the\nstore was closed; µs are of the processors. Memory is anonymous, at its most.\n\n")
	fmt.Fprintln(out, "| work | class | side | ms | processor µs | commits | bytes written | allocations | KB allocated | memory MB |")
	fmt.Fprintln(out, "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
	for _, r := range results {
		for _, side := range r.sides {
			fmt.Fprintf(out, "| %s | %s | %s | %s |\n", r.what(), r.job.Class, side, strings.Join(r.costs(side), " | "))
		}
	}
}

func fewest(results []result) int { return turnsOf(results, func(a, b int) int { return min(a, b) }) }
func most(results []result) int   { return turnsOf(results, func(a, b int) int { return max(a, b) }) }

func turnsOf(results []result, pick func(a, b int) int) int {
	n := len(results[0].turns[results[0].sides[0]])
	for _, r := range results {
		n = pick(n, len(r.turns[r.sides[0]]))
	}
	return n
}

func (q quantity) title() string {
	if q.unit == "" {
		return q.name
	}
	return q.name + ", " + q.unit
}

// what is the work and its size.
func (r result) what() string { return strings.TrimSuffix(r.name(), ", "+r.job.Class) }

// first is the side in the column of `func`.
func (r result) first() string { return r.sides[0] }

// values are a quantity in each turn.
func (r result) values(q quantity, side string) []float64 {
	var list []float64
	for _, f := range r.turns[side] {
		list = append(list, q.of(f, r.work))
	}
	return list
}

func (r result) value(q quantity, side string) string {
	list := r.values(q, side)
	if len(list) == 0 {
		return ""
	}
	if len(list) == 1 {
		return number(list[0])
	}
	return fmt.Sprintf("**%s** (%s–%s)", number(median(list)), number(slices.Min(list)), number(slices.Max(list)))
}

// beside is the quantity for all sides that are not graphrun.
func (r result) beside(q quantity) string {
	var parts []string
	for _, s := range r.sides {
		if s != r.first() && s != "set" {
			parts = append(parts, s+" "+number(median(r.values(q, s))))
		}
	}
	return strings.Join(parts, "; ")
}

// goals says for each goal what was reached.
func (r result) goals(s shown) string {
	var parts []string
	for _, g := range s.goals {
		sign, reached := "≤", median(r.values(s.what, g.side))
		limit := number(g.limit)
		if g.of != "" {
			reached = median(r.ratios(s.what, g.side, g.of))
			limit = strconv.FormatFloat(g.limit, 'g', 3, 64) + " × " + g.of
		}
		met := reached <= g.limit
		if s.what.more {
			sign, met = "≥", reached >= g.limit
		}
		said := " missed"
		if met {
			said = " met"
		}
		if g.of != "" {
			said = fmt.Sprintf(":%s (%s ×%s)", said, number(reached), r.byProcessors(g))
		}
		parts = append(parts, fmt.Sprintf("%s %s %s%s", g.side, sign, limit, said))
	}
	return strings.Join(parts, "; ")
}

// byProcessors is the ratio of what the processors did, where nothing waits for a disk: on a
// busy machine it says more than the clock.
func (r result) byProcessors(g goal) string {
	if r.job.Class != memory {
		return ""
	}
	return fmt.Sprintf(", of the processors %s ×", number(median(r.ratios(processors, g.side, g.of))))
}

// ratios are a quantity of one side to that of another one, turn by turn.
func (r result) ratios(q quantity, side, to string) []float64 {
	list, others := r.values(q, side), r.values(q, to)
	for i := range list {
		list[i] /= others[i]
	}
	return list
}

// costs are the columns of the second table.
func (r result) costs(side string) []string {
	of := func(get func(figures) float64) string {
		var list []float64
		for _, f := range r.turns[side] {
			list = append(list, get(f))
		}
		if median(list) == 0 {
			return ""
		}
		return number(median(list))
	}
	each := func(get func(figures) float64) string {
		return of(func(f figures) float64 { return get(f) / float64(max(1, f.Cycles)) })
	}
	return []string{
		each(func(f figures) float64 { return float64(f.Took) / 1e6 }),
		each(func(f figures) float64 { return float64(f.CPU) / 1e3 }),
		each(func(f figures) float64 { return float64(f.Commits) }),
		each(func(f figures) float64 {
			if r.job.Class == memory {
				return 0 // a few bytes of a timer's or a signal's pipe
			}
			return float64(f.Written)
		}),
		each(func(f figures) float64 { return float64(f.Allocs) }),
		each(func(f figures) float64 { return float64(f.Bytes) / 1e3 }),
		of(func(f figures) float64 { return float64(f.Anon) / 1e6 }),
	}
}

func median(list []float64) float64 {
	if len(list) == 0 {
		return math.NaN()
	}
	list = slices.Sorted(slices.Values(list))
	if n := len(list); n%2 == 0 {
		return (list[n/2-1] + list[n/2]) / 2
	}
	return list[len(list)/2]
}

// number writes a number with as many digits as mean something.
func number(v float64) string {
	switch a := math.Abs(v); {
	case a >= 1000:
		return thousands(v)
	case a >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case a >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case a >= 1:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
	return strconv.FormatFloat(v, 'g', 2, 64)
}

func thousands(v float64) string {
	s := strconv.FormatFloat(math.Abs(v), 'f', 0, 64)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	if v < 0 {
		s = "-" + s
	}
	return s
}
