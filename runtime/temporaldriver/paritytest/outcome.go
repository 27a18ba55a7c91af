package paritytest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/runtime"
)

// Outcome is what a case came to.
type Outcome struct {
	Lives  map[string]*Life // as Recorder.Stop gives them
	Said   []string         // by moment: what Word says of the reply
	Failed []string         // why stacks could not begin
}

// Pending is in place of a reply that did not come in time.
const Pending = "pending"

// Word is what an Outcome says of the reply to a moment: "" without an error.
func Word(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, runtime.ErrNotFound):
		return "not found"
	}
	return err.Error()
}

// Diff holds two outcomes against each other; "" if they are the same. What is left out is
// named here, and nowhere else:
//
//   - Cursor.Clean: the embedded engine says with it that it has stopped by itself. A workflow
//     does not stop before its stack has ended.
//   - The number of commits, and what is committed together.
func Diff(want, got *Outcome) string {
	var out []string
	section := func(name string, a, b []string) {
		if d := diffLines(a, b); d != "" {
			out = append(out, name+"\n"+d)
		}
	}
	section("stacks that could not begin", want.Failed, got.Failed)
	section("replies", numbered(want.Said), numbered(got.Said))
	names := slices.Concat(slices.Collect(maps.Keys(want.Lives)), slices.Collect(maps.Keys(got.Lives)))
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		section("stack "+name, want.Lives[name].lines(), got.Lives[name].lines())
	}
	return strings.Join(out, "\n")
}

func numbered(said []string) (out []string) {
	for i, s := range said {
		out = append(out, fmt.Sprintf("%d: %s", i, s))
	}
	return out
}

// lines is a stack in lines, which are the same where it is.
func (l *Life) lines() (out []string) {
	if l == nil {
		return nil
	}
	for _, r := range l.Records {
		out = append(out, string(journal.AppendRecord(nil, r, true)))
	}
	at := l.Cursor
	at.Clean = false
	cursor, err := json.Marshal(at)
	if err != nil {
		panic(err) // numbers and texts
	}
	out = append(out, "cursor "+string(cursor))
	for _, key := range slices.Sorted(maps.Keys(l.State)) {
		out = append(out, fmt.Sprintf("state %s = %s", key, value.String(l.State[key])))
	}
	return out
}

// How much of a difference is shown: lines before it, lines of it, and bytes of a line.
const (
	shownBefore = 4
	shownLines  = 12
	shownBytes  = 700
)

// diffLines shows where two lists of lines differ: what follows the lines that they begin with,
// and comes before those that they end with.
func diffLines(a, b []string) string {
	begin := 0
	for begin < len(a) && begin < len(b) && a[begin] == b[begin] {
		begin++
	}
	if begin == len(a) && begin == len(b) {
		return ""
	}
	end := 0
	for end < len(a)-begin && end < len(b)-begin && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}
	var out strings.Builder
	show := func(mark string, lines []string) {
		for i, l := range lines {
			if i == shownLines {
				fmt.Fprintf(&out, "%s … and %d more\n", mark, len(lines)-i)
				return
			}
			if len(l) > shownBytes {
				l = l[:shownBytes] + "…"
			}
			out.WriteString(mark + " " + l + "\n")
		}
	}
	show(" ", a[max(0, begin-shownBefore):begin])
	show("-", a[begin:len(a)-end])
	show("+", b[begin:len(b)-end])
	return out.String()
}
