package paritytest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

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
//   - When the stack of a graph tells its parent what it has used: it is left to the driver where
//     no limit counts it. The sum has to be the same.
//   - The place of task.started, but not its time: where slots are counted over all workers, a task
//     begins when the message with its slot comes, and not with the decision that it runs.
//   - Attempts that are cancelled at the moment at which they begin: whether they have begun by then
//     depends on what is committed together.
//   - The place of task.held, but not its time: it says when an attempt that waits has returned.
//   - The place and the time of task.step and task.mark, and the cycle of those of work in the
//     background: a workflow hears of them when their attempt ends. What they say, their order and
//     their attempt have to be the same.
//   - The order in which attempts end, or begin to wait, at the same time.
//   - The numbers of records, which follow from these. That they are without gaps is checked.
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
		section("stack "+name, want.lines(name), got.lines(name))
	}
	return strings.Join(out, "\n")
}

func numbered(said []string) (out []string) {
	for i, s := range said {
		out = append(out, fmt.Sprintf("%d: %s", i, s))
	}
	return out
}
