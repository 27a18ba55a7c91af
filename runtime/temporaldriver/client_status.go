package temporaldriver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"

	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
)

// Status is where a stack stands. Driven says that its workflow runs; of a stack that no worker has
// begun it is false. Errors: *runtime.UnknownStackError, *runtime.StoreError, or that of ctx.
func (c *Client) Status(ctx context.Context, stack string) (runtime.Status, error) {
	f, err := c.describe(ctx, stack)
	switch {
	case errors.Is(err, journal.ErrNotFound):
		return runtime.Status{}, c.unknown(ctx, stack)
	case err != nil:
		return runtime.Status{}, err
	}
	if f.runs() && f.events <= unbegun {
		if there, err := c.attended(ctx, f.queue); err != nil || !there {
			return f.unbegun(), err
		}
	}
	return c.status(ctx, &f, true)
}

// unbegun is the status of a stack that no worker has begun.
func (f *found) unbegun() runtime.Status {
	return runtime.Status{Stack: f.stack, Graph: f.graph, CreatedAt: f.since, Cursor: journal.Cursor{Status: journal.Running, Hash: f.hash}}
}

// status is where a stack stands whose workflow was found. closely says to ask the limiters too what
// its tasks wait for.
func (c *Client) status(ctx context.Context, f *found, closely bool) (runtime.Status, error) {
	var problem error
	if f.broke() {
		why, began := c.end(ctx, f)
		if !began {
			st := f.unbegun()
			st.Cursor.Status, st.Cursor.Reason = journal.Failed, why
			return st, nil
		}
		problem = errors.New(why)
	}
	r, err := c.ask(ctx, f.stack, readRequest{What: readLive})
	var silent *silentError
	switch {
	case errors.As(err, &silent) && f.events > 0 && f.events <= unbegun:
		return f.unbegun(), nil
	case errors.Is(err, journal.ErrNotFound):
		return runtime.Status{}, c.unknown(ctx, f.stack) // it was removed meanwhile
	case err != nil:
		return runtime.Status{}, err
	case r.Identity == nil || r.Cursor == nil || r.Live == nil:
		return runtime.Status{}, strange(f.stack)
	}
	c.runsUnder(f.stack, r.Cursor)
	if closely {
		r.Live.askLimiters(ctx, f.queue, c.query)
	}
	driven := f.runs() && !r.Cursor.Status.Ended()
	st := runtime.Status{
		Stack: f.stack, Graph: r.Identity.Graph, CreatedAt: r.Identity.CreatedAt, Child: r.Identity.Parent != "", Parent: r.Identity.Parent,
		Driven: driven, Loaded: driven, Cursor: *r.Cursor,
		Tasks: r.Live.Tasks, LastError: r.Live.LastError, Failed: r.Live.Failed, Problem: problem,
	}
	if r.Live.Unfit != "" {
		st.Refused = &runtime.AdoptError{Stack: f.stack, Err: errors.New(r.Live.Unfit)}
	}
	return st, nil
}

// end is why a workflow has ended, other than that its stack has. began says that the stack had
// begun.
func (c *Client) end(ctx context.Context, f *found) (why string, began bool) {
	if f.status == enums.WORKFLOW_EXECUTION_STATUS_FAILED {
		ctx, stop := context.WithTimeout(ctx, c.o.Patience)
		defer stop()
		err := c.c.GetWorkflow(ctx, f.stack, f.run).Get(ctx, nil)
		var app *temporal.ApplicationError
		if errors.As(err, &app) {
			return app.Message(), app.Type() != failureStart
		}
	}
	word := strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(f.status.String(), "WORKFLOW_EXECUTION_STATUS_")), "_", " ")
	return fmt.Sprintf("its workflow has ended as %s, not the stack by itself", word), true
}

// ListWhere calls fn for stacks of the task queue in the order of their ids, until it returns an
// error. The cluster's list comes a moment after what happens: a stack that has just begun may be
// missing. All ids are in memory, at most 100,000; the stacks themselves are asked a few at a
// time. One that no worker answers for is among them, with a Problem.
func (c *Client) ListWhere(ctx context.Context, f runtime.Filter, fn func(runtime.Status) error) error {
	all, err := c.listAfter(ctx, f.After)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(slices.Clone(all), func(one found) bool {
		return f.Graph != "" && one.graph != "" && one.graph != f.Graph || // what is known need not be asked
			!one.runs() && (f.Status == journal.Running || f.Status == journal.Paused)
	})
	get, err := c.asking(ctx, all)
	if err != nil {
		return err
	}
	return inOrder(all, get, func(st runtime.Status) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if st.Stack == "" {
			return nil // it was removed meanwhile
		}
		if wants, err := f.Wants(ctx, c, &st); err != nil || !wants {
			return err
		}
		return fn(st)
	})
}

// asking gives the status of stacks. Once no worker has answered, the others are not asked.
func (c *Client) asking(ctx context.Context, all []found) (func(*found) runtime.Status, error) {
	var silent atomic.Bool
	if len(all) > 0 {
		there, err := c.attended(ctx, c.o.TaskQueue)
		if err != nil {
			return nil, err
		}
		silent.Store(!there)
	}
	return func(f *found) runtime.Status {
		var err error = &runtime.StoreError{Err: &silentError{f.stack, c.o.TaskQueue}}
		if !silent.Load() {
			var st runtime.Status
			if st, err = c.status(ctx, f, false); err == nil {
				return st
			}
			if errors.Is(err, journal.ErrNotFound) {
				return runtime.Status{}
			}
			if nobody := (*silentError)(nil); errors.As(err, &nobody) {
				silent.Store(true)
			}
		}
		st := f.unbegun()
		st.Cursor.Status, st.Problem = "", err
		return st
	}, nil
}

// Stacks calls fn for each stack of the task queue in the order of their ids, as ListWhere does.
func (c *Client) Stacks(ctx context.Context, fn func(journal.Summary) error) error {
	return c.StacksAfter(ctx, "", fn)
}

// StacksAfter is Stacks for those whose ids come after one, which need not be there.
func (c *Client) StacksAfter(ctx context.Context, after string, fn func(journal.Summary) error) error {
	all, err := c.listAfter(ctx, after)
	if err != nil {
		return err
	}
	return inOrder(all, func(f *found) *journal.Summary {
		sum, err := c.Stack(ctx, f.stack)
		switch {
		case errors.Is(err, journal.ErrNotFound):
			return nil // it was removed meanwhile, or could not begin
		case err != nil:
			sum = journal.Summary{Identity: journal.Identity{Stack: f.stack}, Err: err}
		}
		return &sum
	}, func(sum *journal.Summary) error {
		if err := ctx.Err(); err != nil || sum == nil {
			return err
		}
		return fn(*sum)
	})
}

// Asked calls fn with each question that waits for a person, the oldest first, as
// runtime.Runtime.Asked does. It asks all stacks that run.
func (c *Client) Asked(ctx context.Context, graph string, after runtime.Question, fn func(runtime.Question, inspect.Asked) error) error {
	all, err := c.listAfter(ctx, "")
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(slices.Clone(all), func(f found) bool { return !f.runs() })
	type asked struct {
		q runtime.Question
		a inspect.Asked
	}
	var open []asked
	err = inOrder(all, func(f *found) (mine []asked) {
		sum, err := c.Stack(ctx, f.stack)
		if err != nil {
			return nil
		}
		questions, err := inspect.AskedIn(ctx, c, &sum)
		if err != nil {
			return nil
		}
		for _, a := range questions {
			q := runtime.Question{Since: a.Waiting.Since, Top: a.Stack, Stack: f.stack, ID: a.Waiting.ID()}
			if (graph == "" || graph == a.Graph) && compareQuestions(&q, &after) > 0 {
				mine = append(mine, asked{q, a})
			}
		}
		return mine
	}, func(mine []asked) error {
		open = append(open, mine...)
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	slices.SortFunc(open, func(a, b asked) int { return compareQuestions(&a.q, &b.q) })
	for i := range open {
		if err := fn(open[i].q, open[i].a); err != nil {
			return err
		}
	}
	return nil
}

func compareQuestions(a, b *runtime.Question) int {
	return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Top, b.Top), cmp.Compare(a.Stack, b.Stack), cmp.Compare(a.ID, b.ID))
}
