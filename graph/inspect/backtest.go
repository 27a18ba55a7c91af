package inspect

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
)

// Backtest is what another graph would have decided in the histories of stacks.
type Backtest struct {
	Graph   string            `json:"graph"`
	Cycles  int               `json:"cycles"`  // that were judged
	Same    int               `json:"same"`    // as recorded
	Differ  int               `json:"differ"`  // in a node, or in the end of the stack
	Unknown int               `json:"unknown"` // that do not differ as far as they are judged
	Stacks  []BacktestedStack `json:"stacks"`
}

// BacktestedStack is one stack of a Backtest.
type BacktestedStack struct {
	Stack  string            `json:"stack"`
	Cycles []BacktestedCycle `json:"cycles"` // that differ, or have something that is not known
}

// BacktestedCycle is one cycle.
type BacktestedCycle struct {
	Cycle   uint64           `json:"cycle"`
	Differs bool             `json:"differs"`
	Unknown []string         `json:"unknown"`       // nodes whose result is not known, or that are not judged
	Nodes   []BacktestedNode `json:"nodes"`         // that would run or not, other than recorded
	End     *BacktestedEnd   `json:"end,omitempty"` // if the stack would have ended, or not
}

// BacktestedNode is a node that would run, or would not.
type BacktestedNode struct {
	Node     string          `json:"node"`
	Recorded *Verdict        `json:"recorded"` // nil if it was not decided
	Decided  *Verdict        `json:"decided"`  // nil if it is not decided
	Join     *ExplainedJoin  `json:"join"`
	Edges    []ExplainedEdge `json:"edges"`

	Explained *ExplainedNode `json:"-"` // the decision; nil without one
}

// Verdict is whether a node runs, and why it does not.
type Verdict struct {
	Run    bool   `json:"run"`
	Reason string `json:"reason"`
}

// BacktestedEnd is a difference in the end of a stack; nil means that it continues.
type BacktestedEnd struct {
	Recorded *End `json:"recorded"`
	Decided  *End `json:"decided"`
}

// End is how a stack ended.
type End struct {
	Status journal.Status `json:"status"`
	Reason string         `json:"reason"`
}

// OtherGraphError says that a stack is of another graph than the one that is tested.
type OtherGraphError struct{ Stack, Graph, Tested string }

func (e *OtherGraphError) Error() string {
	return fmt.Sprintf("stack %q is of the graph %q, and not of %q", e.Stack, e.Graph, e.Tested)
}

// UnfitError says that the state of a stack does not fit the graph that is tested.
type UnfitError struct {
	Stack string
	Err   error
}

func (e *UnfitError) Error() string { return fmt.Sprintf("stack %q: %v", e.Stack, e.Err) }
func (e *UnfitError) Unwrap() error { return e.Err }

// BacktestOf decides the finished cycles of stacks under another graph: each begins with
// its recorded state, and goes the way of the graph, with the recorded results of nodes
// that are given the same. From is the first cycle; 0 means all that are kept. Errors:
// journal.ErrNotFound, *OtherGraphError, *UnfitError, *PointError, and those of the reader.
func BacktestOf(ctx context.Context, store Reader, kinds graph.Kinds, g *graph.Graph, stacks []string, from uint64) (Backtest, error) {
	out := Backtest{Graph: g.Name, Stacks: []BacktestedStack{}}
	for _, stack := range stacks {
		s, err := out.stack(ctx, store, kinds, g, stack, from)
		if err != nil {
			return out, err
		}
		out.Stacks = append(out.Stacks, s)
	}
	return out, nil
}

func (b *Backtest) stack(ctx context.Context, store Reader, kinds graph.Kinds, g *graph.Graph, stack string, from uint64) (BacktestedStack, error) {
	out := BacktestedStack{Stack: stack, Cycles: []BacktestedCycle{}}
	sum, err := store.Stack(ctx, stack)
	if err != nil {
		return out, err
	}
	if sum.Identity.Graph != g.Name {
		return out, &OtherGraphError{stack, sum.Identity.Graph, g.Name}
	}
	if from > sum.Cursor.Cycle {
		return out, &PointError{fmt.Errorf("stack %q has not begun cycle %d: it is at %d", stack, from, sum.Cursor.Cycle)}
	}
	base, err := store.Base(ctx, stack, journal.Point{Cycle: max(from, 1), Wave: 1})
	if err != nil {
		return out, err
	}
	if c := base.Cursor; from > 0 && c.Seq > 0 && from <= c.Cycle {
		return out, &PointError{fmt.Errorf("stack %q: the history before the end of cycle %d is deleted (see history in the graph): got %d", stack, c.Cycle, from)}
	}
	again := machine.Backtest{
		History: machine.Replayer{
			Graphs: definitions(ctx, store, kinds), Base: base,
			Records: func(yield func(journal.Record, error) bool) {
				if base.Cursor.Seq < sum.Cursor.Seq {
					readAll(ctx, store, stack, journal.Want{From: base.Cursor.Seq + 1, To: sum.Cursor.Seq, Bulk: true})(yield)
				}
			},
		},
		Graph: g, From: from,
	}
	err = again.Run(func(c machine.Backtested) error {
		b.Cycles++
		switch {
		case c.Differs():
			b.Differ++
		case len(c.Unknown) > 0:
			b.Unknown++
		default:
			b.Same++
			return nil
		}
		out.Cycles = append(out.Cycles, backtested(g, &c))
		return nil
	})
	if unfit := (*machine.AdoptError)(nil); errors.As(err, &unfit) {
		return out, &UnfitError{stack, unfit}
	}
	return out, err
}

func backtested(g *graph.Graph, c *machine.Backtested) BacktestedCycle {
	out := BacktestedCycle{Cycle: c.Cycle, Differs: c.Differs(), Unknown: append([]string{}, c.Unknown...), Nodes: []BacktestedNode{}}
	if c.EndDiff {
		out.End = &BacktestedEnd{endOf(c.Ended), endOf(c.Ends)}
	}
	for _, n := range c.Nodes {
		one := BacktestedNode{Node: n.Node, Edges: []ExplainedEdge{}}
		if n.Recorded != nil {
			one.Recorded = &Verdict{n.Recorded.Run, n.Recorded.Reason}
		}
		if n.Decided != nil {
			x := ExplainDecision(g, *n.Decided)
			one.Decided = &Verdict{n.Decided.Taken.Run, n.Decided.Taken.Reason}
			one.Join, one.Edges, one.Explained = &x.Join, x.Edges, &x
		}
		out.Nodes = append(out.Nodes, one)
	}
	return out
}

func endOf(o *journal.Outcome) *End {
	if o == nil {
		return nil
	}
	return &End{o.Status, o.Reason}
}

// Change is a node that would have run, or would not have, in some cycles of a Backtest.
type Change struct {
	Node   string
	Runs   bool
	Cycles []uint64
}

// Changes sums up the differences by node, in the order in which they are met.
func (s *BacktestedStack) Changes() (all []Change) {
	for _, c := range s.Cycles {
		for _, n := range c.Nodes {
			runs := n.Decided != nil && n.Decided.Run
			i := slices.IndexFunc(all, func(a Change) bool { return a.Node == n.Node && a.Runs == runs })
			if i < 0 {
				i = len(all)
				all = append(all, Change{Node: n.Node, Runs: runs})
			}
			all[i].Cycles = append(all[i].Cycles, c.Cycle)
		}
	}
	return all
}
