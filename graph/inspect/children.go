package inspect

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
)

// Child is a stack that does the work of a node which runs a graph.
type Child struct {
	Place   journal.Place   // of its node, below the stack that was asked about
	Parent  string          // the stack that the node belongs to
	Task    journal.TaskKey // of the parent
	Summary journal.Summary // who it is and where it stands
	Live    bool            // its task is not over
}

// ChildError says that a place is within no child. Known are the places of those that
// there are.
type ChildError struct {
	Stack string
	Place journal.Place
	Known []string
}

func (e *ChildError) Error() string {
	known := "it has no stacks within its nodes now"
	if len(e.Known) > 0 {
		known = "there are: " + strings.Join(e.Known, ", ")
	}
	return fmt.Sprintf("no graph runs at %q in stack %q (%s)", e.Place[:len(e.Place)-1].String(), e.Stack, known)
}

// Children lists the stacks within a stack, at any depth: each before those within it.
// Without all, only those whose tasks are not over; with it, also those that have ended
// and whose records are kept, in the order in which they ended, before the live ones.
func Children(ctx context.Context, r Reader, stack string, all bool) ([]Child, error) {
	sum, err := r.Stack(ctx, stack)
	if err != nil {
		return nil, err
	}
	return childrenBelow(ctx, r, nil, &sum, all)
}

// Locate finds the stack that a place is in, and the node or element there: of
// `each[b]/ask` that is the child of each[b], and ask. A place of one spot is in the stack
// itself. Where a place has several children, the live one counts; with all and without
// a live one, the newest. Errors: *ChildError, journal.ErrNotFound.
func Locate(ctx context.Context, r Reader, stack string, p journal.Place, all bool) (in string, spot journal.Spot, err error) {
	if len(p) == 0 {
		return "", spot, fmt.Errorf("inspect: the place is empty")
	}
	if len(p) == 1 {
		return stack, p[0], nil
	}
	sum, err := r.Stack(ctx, stack)
	if err != nil {
		return "", spot, err
	}
	in = stack
	for i, s := range p[:len(p)-1] {
		own, err := childrenOf(ctx, r, &sum, all)
		if err != nil {
			return "", spot, err
		}
		found := false
		var known []string
		for k := range slices.Backward(own) {
			c := &own[k]
			at := c.Place[0]
			if at == s {
				in, sum, found = c.Summary.Identity.Stack, c.Summary, true
				break
			}
			if name := append(slices.Clone(p[:i]), at).String(); !slices.Contains(known, name) && len(known) < manyPlaces {
				known = append(known, name)
			}
		}
		if !found {
			slices.Sort(known)
			return "", spot, &ChildError{Stack: stack, Place: p, Known: known}
		}
	}
	return in, p[len(p)-1], nil
}

// manyPlaces is how many places a message names.
const manyPlaces = 20

func childrenBelow(ctx context.Context, r Reader, above journal.Place, sum *journal.Summary, all bool) (list []Child, err error) {
	own, err := childrenOf(ctx, r, sum, all)
	for i := range own {
		c := &own[i]
		c.Place = append(slices.Clone(above), c.Place...)
		within, err := childrenBelow(ctx, r, c.Place, &c.Summary, all)
		if err != nil {
			return nil, err
		}
		list = append(append(list, *c), within...)
	}
	return list, err
}

// childrenOf lists the children of one stack. Their places have one spot.
func childrenOf(ctx context.Context, r Reader, sum *journal.Summary, all bool) (list []Child, err error) {
	if sum.Err != nil {
		return nil, nil
	}
	stack := sum.Identity.Stack
	add := func(id string, k journal.TaskKey, live bool) error {
		child, err := r.Stack(ctx, id)
		switch {
		case errors.Is(err, journal.ErrNotFound):
			return nil // not begun yet, or somebody removes it now
		case err != nil:
			return err
		case doesTask(&sum.Identity, k, child.Identity.Parent):
			list = append(list, Child{Place: journal.Place{{Node: k.Node, Item: k.Item}}, Parent: stack, Task: k, Summary: child, Live: live})
		}
		return nil
	}
	var state *journal.Snapshot
	load := func() error {
		if state != nil {
			return nil
		}
		snap, err := r.State(ctx, stack)
		state = &snap
		return err
	}
	if all {
		if err := load(); err != nil {
			return nil, err
		}
		for _, k := range machine.KeptChildren(state.State) {
			if err := add(k.ID, k.Task, false); err != nil {
				return nil, err
			}
		}
	}
	if sum.Cursor.Status.Ended() {
		return list, nil
	}
	runs, err := graphNodes(ctx, r, sum.Cursor.Hash)
	if err != nil || len(runs) == 0 {
		return list, err
	}
	begun, err := begunTasks(ctx, r, sum, runs, func() (*journal.Snapshot, error) {
		err := load()
		return state, err
	})
	if err != nil {
		return nil, err
	}
	for _, live := range []bool{false, true} {
		for _, t := range begun {
			id := machine.ChildID(stack, t.Key)
			if t.Over == live || t.Over && !all || slices.ContainsFunc(list, func(c Child) bool { return c.Summary.Identity.Stack == id }) {
				continue
			}
			if err := add(id, t.Key, live); err != nil {
				return nil, err
			}
		}
	}
	return list, nil
}

// doesTask reports whether a stack with this Identity.Parent does the work of a task, in
// any of its tries.
func doesTask(id *journal.Identity, k journal.TaskKey, parent string) bool {
	rest, ok := strings.CutPrefix(parent, id.TaskKey(k))
	if !ok || rest == "" {
		return ok
	}
	try, is := strings.CutPrefix(rest, "#")
	_, err := strconv.Atoi(try)
	return is && err == nil
}

// graphNodes are the nodes of a stored definition that run graphs: true for those with
// for_each.
func graphNodes(ctx context.Context, r Reader, hash string) (map[string]bool, error) {
	kept, err := r.Graph(ctx, hash)
	if err != nil || !bytes.Contains(kept.Def, []byte(`"graph":`)) {
		return nil, err
	}
	var d struct {
		Nodes []struct {
			ID      string          `json:"id"`
			Graph   json.RawMessage `json:"graph"`
			ForEach json.RawMessage `json:"for_each"`
		} `json:"nodes"`
	}
	if err := json.Unmarshal(kept.Def, &d); err != nil {
		return nil, err
	}
	runs := map[string]bool{}
	for _, n := range d.Nodes {
		if n.Graph != nil {
			runs[n.ID] = n.ForEach != nil
		}
	}
	return runs, nil
}

// begunTasks lists the tasks that have begun of graph nodes that are not over, in the order
// in which they began. It reads the state only for what no record of the cycle tells.
func begunTasks(ctx context.Context, r Reader, sum *journal.Summary, runs map[string]bool, state func() (*journal.Snapshot, error)) (begun []machine.TaskApart, err error) {
	c := &sum.Cursor
	isOpen := func(k journal.TaskKey) bool {
		wave := c.Open && k.Cycle == c.Cycle && (k.Wave == c.Wave || c.Commit > 0)
		return wave || slices.ContainsFunc(c.Background, func(b journal.Background) bool {
			return b.Node == k.Node && b.Cycle == k.Cycle && b.Wave == k.Wave
		})
	}
	at := map[journal.TaskKey]int{}
	put := func(k journal.TaskKey, over bool) {
		if _, is := runs[k.Node]; !is || !isOpen(k) {
			return
		}
		i, known := at[k]
		if !known {
			i = len(begun)
			at[k] = i
			begun = append(begun, machine.TaskApart{Key: k})
		}
		begun[i].Over = over
	}
	apart := slices.ContainsFunc(c.Background, func(b journal.Background) bool {
		each, is := runs[b.Node]
		if is && !each {
			put(journal.TaskKey{Cycle: b.Cycle, Wave: b.Wave, Node: b.Node}, b.Over)
		}
		return is && each && b.Cycle < c.Cycle
	})
	if apart {
		snap, err := state()
		if err != nil {
			return nil, err
		}
		for _, t := range machine.TasksApart(snap) {
			put(t.Key, t.Over)
		}
	}
	want := journal.Want{From: c.CycleSeq, To: c.Seq, Types: []string{"task.started", "task.finished"}}
	err = r.Records(ctx, sum.Identity.Stack, want, func(rec journal.Record) error {
		k, _ := rec.Task()
		switch end := rec.Body.(type) {
		case *journal.TaskStarted:
			put(k, false)
		case *journal.TaskFinished:
			if _, known := at[k]; known && end.RetryAt.IsZero() {
				put(k, true)
			}
		}
		return nil
	})
	return begun, err
}
