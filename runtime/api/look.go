package api

import (
	"errors"
	"path/filepath"
	"time"

	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/trial"
	"github.com/graphrun/graphrun/runtime"
)

// explain is what `explain -o json` prints.
func (c *call) explain() (inspect.Explanation, error) {
	cycle, err := c.count("cycle")
	if err != nil {
		return inspect.Explanation{}, err
	}
	var places []journal.Place
	if text := c.query["node"]; text != "" {
		p, err := journal.ParsePlace(text)
		if err != nil {
			return inspect.Explanation{}, errorf(CodeUsage, "node %v", err)
		}
		places = append(places, p)
	}
	o := inspect.ExplainOptions{Cycle: cycle, Now: time.Now(), Compile: c.o.Compile}
	x, err := inspect.ExplainPlaces(c.ctx, c.o.Store, c.o.Kinds, c.stack(), places, o, c.live)
	return x, c.noStack(err)
}

// live is what this engine knows of a stack beyond what the store has.
func (c *call) live(stack string) (*inspect.Live, error) {
	s, err := c.engine.Status(c.ctx, stack)
	if err != nil {
		return nil, err
	}
	live := &inspect.Live{Driven: s.Driven, WaitsFor: s.WaitsFor}
	if s.Driven {
		live.Tasks = append([]inspect.TaskStatus{}, s.Tasks...)
	}
	for i := range live.Tasks {
		if live.Tasks[i].Slot, err = c.hideHolders(live.Tasks[i].Slot); err != nil {
			return nil, err
		}
	}
	return live, nil
}

// history is what `history -o json` prints.
func (c *call) history() (inspect.History, error) {
	last, err := c.count("last")
	if err != nil {
		return inspect.History{}, err
	}
	h, err := inspect.HistoryOf(c.ctx, c.o.Store, c.o.Kinds, c.stack(), int(min(last, 1<<31-1)))
	return h, c.noStack(err)
}

// diff is what `diff -o json` prints.
func (c *call) diff() ([]inspect.Operation, error) {
	var points [2]journal.Point
	for i, name := range []string{"a", "b"} {
		var err error
		if points[i], err = c.point(name); err != nil {
			return nil, err
		}
		if c.query[name] == "" {
			return nil, errorf(CodeUsage, "%s is missing: expected CYCLE or CYCLE.WAVE", name)
		}
	}
	d, err := inspect.DiffOf(c.ctx, c.o.Store, c.o.Kinds, c.stack(), points[0], points[1])
	return d.Operations, c.noStack(err)
}

// eval is what `eval -o json` prints.
func (c *call) eval() (inspect.Evaluated, error) {
	at, err := c.point("at")
	if err != nil {
		return inspect.Evaluated{}, err
	}
	if c.query["expr"] == "" {
		return inspect.Evaluated{}, errorf(CodeUsage, "expr is missing: expected an expression")
	}
	got, err := inspect.Eval(c.ctx, c.o.Store, c.o.Kinds, c.stack(), inspect.Expression(c.query["expr"]), at, time.Now())
	var (
		wrong  *inspect.ExpressionError
		failed *cond.Error
	)
	switch {
	case errors.As(err, &wrong):
		return got, errorf(CodeUsage, "%v", wrong)
	case errors.As(err, &failed):
		return got, errorf(CodeFailed, "%v: %s", failed.Span, failed.Message)
	}
	return got, c.noStack(err)
}

// plan is what `plan -o json` prints for a stack, with `explain` as with --explain.
func (c *call) plan() (inspect.Plan, error) {
	explain, err := c.flag("explain")
	if err != nil {
		return inspect.Plan{}, err
	}
	var with []inspect.PlanOption
	if explain {
		with = append(with, inspect.WithReasons)
	}
	p, err := inspect.PlanStack(c.ctx, c.o.Store, c.o.Kinds, c.stack(), nil, time.Now(), with...)
	if errors.Is(err, inspect.ErrEnded) {
		return p, errorf(CodeConflict, "%v", err)
	}
	return p, c.noStack(err)
}

// replay is what `replay -o json` prints.
func (c *call) replay() (inspect.Replay, error) {
	from, err := c.count("from")
	if err != nil {
		return inspect.Replay{}, err
	}
	r, err := inspect.ReplayOf(c.ctx, c.o.Store, c.o.Kinds, c.stack(), from)
	return r, c.noStack(err)
}

// yamlType is the media type of test files.
const yamlType = "application/yaml"

// test is what `test --from` prints, for a file beside that of the graph.
func (c *call) test() error {
	cycles, err := trial.ParseRange(c.query["cycles"])
	if err != nil {
		return errorf(CodeUsage, "cycles %v", err)
	}
	h, err := trial.ReadHistory(c.ctx, c.o.Store, c.o.Kinds, c.stack(), cycles)
	if wrong := (*trial.RangeError)(nil); errors.As(err, &wrong) {
		return errorf(CodeUsage, "%v", wrong)
	}
	if err != nil {
		return c.noStack(err)
	}
	file := h.Graph.Name + ".graphrun.yaml" // of a graph that no file has
	if h.Graph.Def.File != "" {
		file = filepath.Base(h.Graph.Def.File)
	}
	s := trial.SuiteFrom(h, file)
	c.w.Header().Set("Content-Type", yamlType)
	giveTime(c.w)
	_, _ = c.w.Write(s.YAML()) // a client that has gone needs no answer
	return nil
}

// noStack says which stacks there are, in place of an error that says that one is not.
func (c *call) noStack(err error) error {
	if errors.Is(err, runtime.ErrNotFound) {
		if _, known := c.engine.Status(c.ctx, c.stack()); known != nil {
			return known
		}
	}
	return err
}
