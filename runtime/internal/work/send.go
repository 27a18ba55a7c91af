package work

import (
	"context"
	"fmt"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes"
)

// CheckEventID refuses the id of an event that no stack takes.
func CheckEventID(id string) error {
	if len(id) > machine.MaxEventID {
		return fmt.Errorf("runtime: event id of %d bytes, at most %d are allowed", len(id), machine.MaxEventID)
	}
	if err := value.CheckText(id); err != nil {
		return fmt.Errorf("runtime: event id: %w", err)
	}
	return nil
}

// Below gives an event that a stack does not declare to the stacks within it that do.
type Below struct {
	Store inspect.Reader
	Graph func(ctx context.Context, hash string) (*graph.Graph, error)
	Send  func(ctx context.Context, stack string) (duplicate bool, err error)
	Gone  func(err error) bool // a stack has ended, or was removed, just now
}

// Deliver gives the event to those that there are at this moment. Without any, it returns why the
// stack refused the event. duplicate reports that all of them had received it before.
func (b Below) Deliver(ctx context.Context, stack, event string, refused error) (duplicate bool, err error) {
	children, err := inspect.Children(ctx, b.Store, stack, false)
	if err != nil {
		return false, err
	}
	taken := 0
	duplicate = true
	for i := range children {
		sum := &children[i].Summary
		g, err := b.Graph(ctx, sum.Cursor.Hash)
		if err != nil || sum.Cursor.Status.Ended() {
			continue
		}
		if _, declared := g.EventByName(event); !declared {
			continue
		}
		known, err := b.Send(ctx, sum.Identity.Stack)
		if err != nil && b.Gone(err) {
			continue
		}
		if err != nil {
			return false, err
		}
		taken++
		duplicate = duplicate && known
	}
	if taken == 0 {
		return false, refused
	}
	return duplicate, nil
}

// Sender is the work of kinds that send: it checks that the message can arrive. The message
// leaves when the wave is committed.
type Sender struct {
	// GraphOf is the graph that a stack runs under at present, and what is queued there. Its
	// error is that of the work.
	GraphOf func(ctx context.Context, stack string) (*graph.Graph, []journal.Queued, error)
}

// Run gives what the machine makes a message of.
func (n Sender) Run(ctx context.Context, t nodes.Task) (nodes.Result, error) {
	with, _ := t.With.(map[string]any)
	to, _ := with["to"].(string)
	event, _ := with["event"].(string)
	g, queued, err := n.GraphOf(ctx, to)
	if err != nil {
		return nodes.Result{}, err
	}
	payload, f := machine.FitsStack(g, to, queued, event, with["payload"])
	if f != nil {
		return nodes.Result{}, &nodes.Error{Kind: f.Kind, Message: f.Message, Permanent: f.Permanent}
	}
	return nodes.Result{Output: map[string]any{"to": to, "event": event, "payload": payload}}, nil
}
