package inspect

import (
	"context"
	"strings"
	"time"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/value"
)

// Evaluated is the value of an expression at a point of a stack's history.
type Evaluated struct {
	Stack string      `json:"stack"`
	Cycle uint64      `json:"cycle"` // and Wave: as Past.Point
	Wave  uint64      `json:"wave"`
	Value value.Value `json:"value"`
}

// ExpressionFile is what the text of an expression is called in messages: it is in no file.
const ExpressionFile = "expression"

// Expression is an expression that somebody has typed, with the places of its characters.
func Expression(text string) diag.Text {
	span := diag.Span{File: ExpressionFile, Start: diag.Pos{Line: 1, Col: 1}}
	var runs []diag.Run
	line, n := 1, 0
	for part := range strings.Lines(text) {
		runs = append(runs, diag.Run{N: n, At: diag.Pos{Line: line, Col: 1}})
		count := len([]rune(part))
		n += count
		span.End = diag.Pos{Line: line, Col: count + 1}
		line++
	}
	if len(runs) == 0 {
		runs, span.End = []diag.Run{{N: 0, At: span.Start}}, span.Start
	}
	return diag.Mapped(text, span, runs)
}

// ExpressionError is an expression that the graph does not permit.
type ExpressionError struct{ Problems diag.List }

func (e *ExpressionError) Error() string { return e.Problems.Error() }

// Unwrap gives the problems.
func (e *ExpressionError) Unwrap() error { return e.Problems }

// Eval evaluates an expression over a stack at a point of its history: over its state,
// params and nodes, under the graph of that time. For the zero Point `now` is the time
// that is given; else it is the moment of the commit. Errors: *ExpressionError, a
// *cond.Error for an expression that fails while it runs, and those of At.
func Eval(ctx context.Context, store Reader, kinds graph.Kinds, stack string, expr diag.Text, at journal.Point, now time.Time) (Evaluated, error) {
	m, reached, err := standsAt(ctx, store, kinds, stack, at, now)
	if err != nil {
		return Evaluated{}, err
	}
	p, problems := m.Graph().Expression(expr, cond.Want{})
	if problems.Err() != nil {
		return Evaluated{}, &ExpressionError{problems}
	}
	if at == (journal.Point{}) && !m.Cursor().Open && p.Reads().Slots&(1<<graph.SlotNodes|1<<graph.SlotCycle) != 0 && m.Cursor().Cycle > 0 {
		// Between two cycles a stack does not keep how the nodes of the last one ended.
		if m, reached, err = standsAt(ctx, store, kinds, stack, journal.Point{Cycle: m.Cursor().Cycle}, now); err != nil {
			return Evaluated{}, err
		}
	}
	if at != (journal.Point{}) {
		now = m.Time()
	}
	v, err := m.Value(p, now)
	if err != nil {
		return Evaluated{}, err
	}
	exact, err := value.Of(v)
	return Evaluated{stack, reached.Cycle, reached.Wave, exact}, err
}

// standsAt is a stack as it stands at a point; at the zero Point, at a time. The machine
// is for looking only. How the nodes of the last cycle ended is known in it, except at
// the zero Point between two cycles.
func standsAt(ctx context.Context, store Reader, kinds graph.Kinds, stack string, at journal.Point, now time.Time) (*machine.Machine, journal.Point, error) {
	if at != (journal.Point{}) {
		before := at
		if before.Wave == 0 && !before.Start {
			before.Wave = 1 // the checkpoint at the end of the cycle does not know its nodes
		}
		base, err := baseBefore(ctx, store, stack, before)
		if err != nil {
			return nil, at, err
		}
		m, err := machineAt(ctx, store, kinds, stack, at, base)
		if err != nil {
			return nil, at, err
		}
		return m, past(at, m.Cursor(), nil).Point, nil
	}
	snap, err := store.Load(ctx, stack)
	if err != nil {
		return nil, at, err
	}
	g, err := Definition(ctx, store, kinds, snap.Cursor.Hash)
	if err != nil {
		return nil, at, err
	}
	m, err := machine.Restore(g, machine.Options{Rest: true}, snap, now)
	if err != nil {
		return nil, at, err
	}
	return m, past(at, snap.Cursor, nil).Point, nil
}
