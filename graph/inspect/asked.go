package inspect

import (
	"context"
	"errors"
	"slices"

	"github.com/graphrun/graphrun/graph/journal"
)

// Asked is a question that waits for a person.
type Asked struct {
	Stack   string          // the outermost stack
	Graph   string          // of that stack
	Child   string          // the stack within it that asks; "" if it asks itself
	Place   journal.Place   // of the node or element that asks, in Stack
	Waiting journal.Waiting // with the calls that still need a word
}

// AsksPerson reports whether an open question is for a person, and not for an event, a time or
// a stack.
func AsksPerson(w *journal.Waiting) bool { return w.Kind == "approval" || len(w.Calls) > 0 }

// AskedIn lists what a stack itself waits for from a person; nothing when it has ended or
// cannot be read, or a stack around it has gone.
func AskedIn(ctx context.Context, r Reader, sum *journal.Summary) ([]Asked, error) {
	if sum.Err != nil || sum.Cursor.Status.Ended() {
		return nil, nil
	}
	var all []Asked
	for _, w := range sum.Cursor.Questions() {
		if AsksPerson(&w) {
			all = append(all, Asked{Place: journal.Place{{Node: w.Node, Item: w.Item}}, Waiting: w})
		}
	}
	if all == nil {
		return nil, nil
	}
	top, above, err := Outermost(ctx, r, &sum.Identity)
	if errors.Is(err, journal.ErrNotFound) { // it has gone meanwhile
		return nil, nil
	}
	for i := range all {
		a := &all[i]
		a.Stack, a.Graph, a.Place = top.Stack, top.Graph, append(slices.Clone(above), a.Place...)
		if len(above) > 0 {
			a.Child = sum.Identity.Stack
		}
	}
	return all, err
}

// Outermost is the stack that does no node's work and that a stack is in at any depth, and the
// place there whose work the stack does; none for such a stack itself. ErrNotFound when a
// stack around it is not there any more.
func Outermost(ctx context.Context, r Reader, inner *journal.Identity) (journal.Identity, journal.Place, error) {
	id, at := *inner, journal.Place(nil)
	for {
		parent, task, ok := ParentOf(&id)
		if !ok {
			return id, at, nil
		}
		at = append(journal.Place{{Node: task.Node, Item: task.Item}}, at...)
		up, err := r.Stack(ctx, parent)
		if err != nil {
			return id, nil, err
		}
		id = up.Identity
	}
}
