package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/temporaldriver"
)

// stacks starts, commands and reads stacks on a server.
type stacks struct {
	c     client.Client
	queue string
}

func newStacks(t *testing.T, address, queue string) *stacks {
	t.Helper()
	c, err := dialAgain(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return &stacks{c, queue}
}

// compile compiles a graph's text.
func compile(t *testing.T, text string, k *nodes.Registry) *graph.Graph {
	t.Helper()
	d, problems := dsl.Parse("test.yaml", []byte(text))
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	g, problems := graph.Compile(d, k)
	if g == nil {
		t.Fatal(problems)
	}
	return g
}

func stored(g *graph.Graph) (journal.StoredGraph, error) {
	text, err := json.Marshal(g.Def)
	return journal.StoredGraph{Hash: g.Hash, Name: g.Name, File: g.Def.File, Def: text}, err
}

// Start starts a stack.
func (s *stacks) Start(ctx context.Context, g *graph.Graph, o runtime.StartOptions) error {
	def, err := stored(g)
	if err != nil {
		return err
	}
	state, err := value.Of(o.State)
	if err != nil {
		return err
	}
	_, err = s.c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: o.ID, TaskQueue: s.queue},
		temporaldriver.WorkflowType, temporaldriver.Input{Graph: def, Identity: journal.Identity{Stack: o.ID, Graph: g.Name, Params: o.Params}, State: state})
	return err
}

// Send gives a stack an event.
func (s *stacks) Send(ctx context.Context, in runtime.Send) error {
	payload, err := value.Of(in.Payload)
	if err != nil {
		return err
	}
	return s.command(ctx, in.Stack, map[string]any{"do": "send", "id": in.ID, "event": in.Event, "payload": payload})
}

// AnswerWith answers a question.
func (s *stacks) AnswerWith(ctx context.Context, stack, node string, o runtime.AnswerOptions) error {
	output, err := value.Of(o.Output)
	if err != nil {
		return err
	}
	return s.command(ctx, stack, map[string]any{"do": "answer", "node": node, "item": o.Item, "for": o.For, "output": output})
}

// Adopt offers a stack a changed graph.
func (s *stacks) Adopt(ctx context.Context, stack string, g *graph.Graph) error {
	def, err := stored(g)
	if err != nil {
		return err
	}
	return s.command(ctx, stack, map[string]any{"do": "adopt", "graph": def})
}

// refused is a command that a stack did not take.
type refused struct{ Code, Message string }

func (r *refused) Error() string { return r.Code + ": " + r.Message }

func (s *stacks) command(ctx context.Context, stack string, do map[string]any) error {
	h, err := s.c.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{WorkflowID: stack, UpdateName: "command", Args: []any{do},
		WaitForStage: client.WorkflowUpdateStageCompleted})
	if err != nil {
		return err
	}
	var r struct{ Refused *refused }
	if err := h.Get(ctx, &r); err != nil {
		return err
	}
	if r.Refused != nil && r.Refused.Code != "duplicate" {
		return r.Refused
	}
	return nil
}

// reply is what the workflow of a stack says to a query.
type reply struct {
	Identity *journal.Identity
	Cursor   *journal.Cursor
	Snapshot *journal.Snapshot
	Records  []json.RawMessage
	More     bool
}

func (s *stacks) query(ctx context.Context, stack string, q map[string]any) (r reply, err error) {
	v, err := s.c.QueryWorkflow(ctx, stack, "", "read", q)
	if err == nil {
		err = v.Get(&r)
	}
	return r, err
}

// Stack is who a stack is and where it stands.
func (s *stacks) Stack(ctx context.Context, stack string) (journal.Summary, error) {
	r, err := s.query(ctx, stack, map[string]any{"what": "stack"})
	if err != nil {
		return journal.Summary{}, err
	}
	if r.Identity == nil || r.Cursor == nil {
		return journal.Summary{}, fmt.Errorf("stack %q has not begun", stack)
	}
	return journal.Summary{Identity: *r.Identity, Cursor: *r.Cursor}, nil
}

// State is a stack without its records.
func (s *stacks) State(ctx context.Context, stack string) (journal.Snapshot, error) {
	r, err := s.query(ctx, stack, map[string]any{"what": "state"})
	if err == nil && r.Snapshot == nil {
		err = errors.New("no snapshot")
	}
	if err != nil {
		return journal.Snapshot{}, err
	}
	return *r.Snapshot, nil
}

// Records are all records of a stack, with everything in them.
func (s *stacks) Records(ctx context.Context, stack string) (all []journal.Record, err error) {
	from := uint64(0)
	for {
		r, err := s.query(ctx, stack, map[string]any{"what": "records", "want": journal.Want{From: from, Bulk: true}})
		if err != nil {
			return nil, err
		}
		for _, line := range r.Records {
			rec, err := journal.ParseRecord(line)
			if err != nil {
				return nil, err
			}
			all = append(all, rec)
			from = rec.Last() + 1
		}
		if !r.More {
			return all, nil
		}
	}
}

// Wait waits for the end of a stack, over kills of the server.
func (s *stacks) Wait(ctx context.Context, stack string) (out temporaldriver.Output, err error) {
	for {
		err = s.c.GetWorkflow(ctx, stack, "").Get(ctx, &out)
		if err == nil || ctx.Err() != nil || hasFailed(err) {
			return out, err
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// hasFailed reports whether an error is that of the stack, and not that of the way to it.
func hasFailed(err error) bool {
	var own *temporal.WorkflowExecutionError
	return errors.As(err, &own)
}
