package trial

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
)

// Range is which finished cycles of a stack are meant: both included, and 0 as the first or
// the last that there is.
type Range struct{ From, To uint64 }

// ParseRange reads A..B, A.., ..B or A; "" is all of them.
func ParseRange(text string) (r Range, err error) {
	if text == "" {
		return r, nil
	}
	from, to, both := strings.Cut(text, "..")
	number := func(s string) (n uint64) {
		if s == "" && both {
			return 0
		}
		if n, err = strconv.ParseUint(s, 10, 64); err != nil || n == 0 {
			err = fmt.Errorf("%q: expected A..B, A.., ..B or A, counted from 1", text)
		}
		return n
	}
	if r.From = number(from); err != nil {
		return r, err
	}
	if r.To = r.From; both {
		r.To = number(to)
	}
	if err == nil && r.To > 0 && r.From > r.To {
		err = fmt.Errorf("%q: the first cycle comes after the last one", text)
	}
	return r, err
}

// RangeError says that a stack does not have the cycles that were asked for.
type RangeError struct{ msg string }

func (e *RangeError) Error() string { return e.msg }

// ReadHistory reads what a stack did in some of its cycles, under the graph that it runs
// now. The open cycle is not among them, unless the stack ended in it. Errors:
// journal.ErrNotFound, *RangeError, and those of the reader.
func ReadHistory(ctx context.Context, r inspect.Reader, kinds graph.Kinds, stack string, cycles Range) (*History, error) {
	sum, err := r.Stack(ctx, stack)
	if err != nil {
		return nil, err
	}
	g, err := inspect.Definition(ctx, r, kinds, sum.Cursor.Hash)
	if err != nil {
		return nil, err
	}
	var all []journal.Record
	err = r.Records(ctx, stack, journal.Want{Bulk: true}, func(rec journal.Record) error {
		all = append(all, rec)
		return nil
	})
	if err != nil {
		return nil, err
	}
	h := &History{Graph: g, Stack: sum.Identity, Status: journal.Running}
	first, last := kept(all)
	if last < first {
		return nil, &RangeError{fmt.Sprintf("no cycle of the stack %q is finished", stack)}
	}
	from, to := max(cycles.From, first), last
	if cycles.To > 0 {
		to = cycles.To
	}
	if from > to || to > last || cycles.From > 0 && cycles.From < first {
		return nil, &RangeError{fmt.Sprintf("the stack %q has the finished cycles %d to %d, not %d to %d", stack, first, last, from, to)}
	}
	h.cut(all, from, to, to == last)
	if h.State == nil {
		at := journal.Point{Cycle: from - 1}
		if origins := sum.Identity.Origins; len(origins) > 0 && origins[0].Cycle == from-1 {
			at = journal.Point{Start: true} // with what was set when it was forked
		}
		before, err := inspect.At(ctx, r, kinds, stack, at)
		if err != nil {
			return nil, err
		}
		h.State = before.State
	}
	point := journal.Point{Cycle: to}
	if h.Status.Ended() {
		point = journal.Point{}
	}
	after, err := inspect.At(ctx, r, kinds, stack, point)
	if err != nil {
		return nil, err
	}
	h.End = after.State
	return h, nil
}

// kept is the first cycle whose beginning is in the records, and the last one that is
// over.
func kept(all []journal.Record) (first, last uint64) {
	for i := range all {
		switch all[i].Body.(type) {
		case *journal.CycleStarted:
			if first == 0 {
				first = all[i].Cycle
			}
		case *journal.CycleFinished:
			last = all[i].Cycle
		case *journal.StackFinished:
			last = max(last, all[i].Cycle)
		}
	}
	return max(first, 1), last
}

// cut keeps the records of some cycles, with what came in for the first one. toEnd keeps
// what follows them too.
func (h *History) cut(all []journal.Record, from, to uint64, toEnd bool) {
	over := false // the cycle before the first one
	for i := range all {
		rec := &all[i]
		_, event := rec.Body.(*journal.EventReceived)
		switch b := rec.Body.(type) {
		case *journal.StackStarted:
			over = from == 1
			if from == 1 {
				h.State, h.At = b.State, rec.Time
			}
			continue
		case *journal.CycleFinished:
			if rec.Cycle < from {
				over = rec.Cycle == from-1
				continue
			}
		case *journal.CycleStarted:
			if rec.Cycle == from && h.At.IsZero() {
				h.At = rec.Time
			}
		case *journal.StackFinished:
			if toEnd {
				h.Status, h.Reason = b.Status, b.Reason
			}
		}
		if rec.Cycle >= from && (rec.Cycle <= to || toEnd) || rec.Cycle == from-1 && (over || event) {
			h.Records = append(h.Records, *rec)
		}
	}
	if toEnd || len(h.Records) == 0 {
		return
	}
	// What came after the last of the cycles was for the next one.
	end := slices.IndexFunc(h.Records, func(r journal.Record) bool { _, is := r.Body.(*journal.CycleFinished); return is && r.Cycle == to })
	h.Records = h.Records[:end+1]
}
