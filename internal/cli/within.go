package cli

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/runtime/api"
)

// The records of stacks that do the work of nodes, as part of those of the stack around
// them.

// traceAll prints the records of a stack and of those within it by time, with their path.
func (a *app) traceAll(ctx context.Context, c *api.Client, stack string, o api.Read) error {
	j := inspect.NewJournalLines(c.Store())
	return a.readAll(ctx, c, stack, o, func(at journal.Place, r journal.Record) (err error) {
		line := withPath(journal.AppendRecord(nil, r, o.Journal), at, r)
		if o.Journal {
			if line, err = j.Complete(ctx, line, r); err != nil {
				return err
			}
		}
		return a.writeJSON(append(line, '\n'))
	}, nil)
}

// withPath adds to a record as JSON the place that it is about, if it is about one: that
// of its node, or of the node whose stack has it.
func withPath(line []byte, at journal.Place, r journal.Record) []byte {
	key, ok := r.Task()
	switch b := r.Body.(type) {
	case *journal.NodeDecided:
		key, ok = journal.TaskKey{Node: b.Node}, true
	case *journal.TaskUsed:
		key, ok = journal.TaskKey{Node: b.Node, Item: b.Item}, true
	}
	if ok {
		at = append(slices.Clone(at), journal.Spot{Node: key.Node, Item: key.Item})
	}
	if len(at) == 0 {
		return line
	}
	line = append(line[:len(line)-1], `,"path":`...)
	return append(value.Append(line, at.String()), '}')
}

// readAll calls fn with the records of a stack and of those within it. What is there when
// it begins comes by time, and what it follows then as it arrives. Calls do not overlap.
func (a *app) readAll(ctx context.Context, c *api.Client, stack string, o api.Read, fn func(journal.Place, journal.Record) error, said func(api.Delta)) error {
	m := inspect.NewMerge(c.Store(), stack, journal.Want{From: o.From, Bulk: o.Journal && !o.NoBulk})
	if err := m.Read(ctx, fn); err != nil || !o.Follow {
		return known(ctx, c, stack, err)
	}
	o.From, o.Journal = m.Next(), true
	var mu sync.Mutex
	watch, stop := context.WithCancel(ctx)
	polled := make(chan error, 1)
	go func() { polled <- followChildren(watch, m, &mu, fn) }()
	var locked func(api.Delta)
	if said != nil {
		locked = func(d api.Delta) {
			mu.Lock()
			defer mu.Unlock()
			said(d)
		}
	}
	err := a.readRecords(ctx, c, stack, o, func(line []byte) error {
		r, err := journal.ParseRecord(line)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		return fn(nil, r)
	}, locked)
	stop()
	if failed := <-polled; err == nil && !errors.Is(failed, context.Canceled) {
		err = failed
	}
	if err != nil {
		return err
	}
	if err := m.ReadChildren(ctx, fn); !errors.Is(err, journal.ErrNotFound) {
		return err
	}
	return nil // the stack is removed
}

// followChildren reads what is new in the stacks within a stack, again and again.
func followChildren(ctx context.Context, m *inspect.Merge, mu *sync.Mutex, fn func(journal.Place, journal.Record) error) error {
	for pause := firstGlance; ; {
		next := time.NewTimer(pause)
		select {
		case <-next.C:
		case <-ctx.Done():
			next.Stop()
			return ctx.Err()
		}
		began := time.Now()
		err := m.ReadChildren(ctx, func(at journal.Place, r journal.Record) error {
			mu.Lock()
			defer mu.Unlock()
			return fn(at, r)
		})
		if err != nil {
			return err
		}
		pause = min(max(firstGlance, 10*time.Since(began)), lastGlance)
	}
}

// hasWithin reports whether a stack, or one of its nodes, runs graphs.
func (a *app) hasWithin(ctx context.Context, c *api.Client, stack string, g *graph.Graph, node string) (bool, error) {
	if node != "" {
		i, ok := g.NodeByID(node)
		return ok && g.Nodes[i].Kind.Runs, nil
	}
	sum, err := c.Store().Stack(ctx, stack)
	if err != nil {
		return false, known(ctx, c, stack, err)
	}
	return inspect.RunsGraphs(ctx, c.Store(), sum.Cursor.Hash)
}

// showLogs is showLog for a stack or a node that runs graphs: with the tasks within.
func (a *app) showLogs(ctx context.Context, c *api.Client, of logged, o api.Read) error {
	o.Journal, o.NoBulk = true, true
	tellers := map[string]*teller{}
	says := newSayings(a, of.spot.Node)
	says.at, says.item = of.at, of.spot.Item
	defer says.close()
	said := says.delta
	if a.json() {
		said = nil
	}
	return a.readAll(ctx, c, of.stack, o, func(at journal.Place, r journal.Record) error {
		if len(at) > 0 && !isWithin(at, journal.Place{of.spot}) {
			return nil
		}
		t := tellers[r.Stack]
		if t == nil {
			if len(tellers) >= maxFollowed {
				clear(tellers)
			}
			t = newTeller(a.itself(), of.top, "", nil)
			t.at = append(slices.Clone(of.at), at...)
			tellers[r.Stack] = t
		}
		if key, ok := r.Task(); !ok || len(at) == 0 && !isWithin(journal.Place{{Node: key.Node, Item: key.Item}}, journal.Place{of.spot}) {
			return nil
		}
		if a.json() {
			return a.logJSON(r, t, true)
		}
		if len(at) == 0 {
			says.record(r)
		}
		if text := t.record(r); text != "" {
			says.log(a.logTime(r.Time, r.Cycle) + text + "\n")
		}
		return nil
	}, said)
}

// isWithin reports whether a place is another one or lies within it. A spot of that
// without a node stands for all, and one without an element for all of its node.
func isWithin(p, around journal.Place) bool {
	if len(p) < len(around) {
		return false
	}
	for i, s := range around {
		if s.Node != "" && s.Node != p[i].Node || s.Item != "" && s.Item != p[i].Item {
			return false
		}
	}
	return true
}

// showLogAt prints the log of a stack, of a node, or of a place within the graphs that
// nodes run: then of each stack that there has been, one after the other.
func (a *app) showLogAt(ctx context.Context, c *api.Client, stack string, p journal.Place, o api.Read) error {
	if len(p) < 2 {
		of := logged{top: stack, stack: stack}
		if len(p) == 1 {
			of.spot = p[0]
		}
		return a.showLog(ctx, c, of, o)
	}
	around, spot := p[:len(p)-1], p[len(p)-1]
	children, err := inspect.Children(ctx, c.Store(), stack, true)
	if err != nil {
		return known(ctx, c, stack, err)
	}
	children = slices.DeleteFunc(children, func(k inspect.Child) bool { return len(k.Place) != len(around) || !isWithin(k.Place, around) })
	if len(children) == 0 {
		_, _, err := inspect.Locate(ctx, c.Store(), stack, p, true)
		return err
	}
	for i, k := range children {
		one := o
		one.Follow = o.Follow && i == len(children)-1
		of := logged{top: stack, at: k.Place, stack: k.Summary.Identity.Stack, spot: spot}
		if err := a.showLog(ctx, c, of, one); err != nil {
			return err
		}
	}
	return nil
}
