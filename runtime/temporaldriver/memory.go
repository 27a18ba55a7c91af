package temporaldriver

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/memstore"
)

// A memory that all stacks of a graph share is a workflow of its own. What a stack writes is
// there before anything begins that follows the commit of the write; other than on one machine,
// the commit and the write are two steps.

const (
	memoryType   = "graphrun.memory"   // the type of the workflows of memories
	rememberType = "graphrun.remember" // the activity that writes to one
	writeName    = "write"             // the signal that has a write
)

// memoryID is the workflow of a memory.
func memoryID(ref journal.MemoryRef) string {
	return fmt.Sprintf("graphrun.memory/%s/%s", ref.Graph, ref.Name)
}

// memoryInput is what the workflow of a memory begins with.
type memoryInput struct {
	Ref   journal.MemoryRef `json:"ref"`
	Items []memoryItem      `json:"items,omitempty"` // of the workflow before
	Model string            `json:"model,omitempty"`
	Seen  map[string]uint64 `json:"seen,omitempty"` // by stack and nonce: the last record whose writes are in
}

// memorySignal is what one commit writes to one memory.
type memorySignal struct {
	Writer string        `json:"writer"` // the stack and its nonce
	Seq    uint64        `json:"seq"`    // of the last record of the commit
	Keep   int           `json:"keep,omitempty"`
	Writes []memoryWrite `json:"writes"`
}

// mostWriters bounds the writers that a memory knows.
const mostWriters = 10_000

// memory is the workflow of a memory. It never ends.
func (w *Worker) memory(ctx workflow.Context, in memoryInput) error {
	store := &memstore.Store{}
	const name = "memory" // of the one stack in it
	ref := journal.MemoryRef{Graph: in.Ref.Graph, Name: in.Ref.Name}
	commit := func(c runtime.Commit) {
		c.Stack = name
		if err := store.Commit(context.Background(), c); err != nil {
			panic(err)
		}
	}
	commit(runtime.Commit{Create: &journal.Identity{Stack: name}})
	var before []journal.MemoryWrite
	for i := range in.Items {
		m := &in.Items[i]
		before = append(before, journal.MemoryWrite{Memory: ref.Name, ID: m.ID, Text: m.Text, Data: m.Data.Any(), Model: in.Model, Vector: vectorText(m.Vector)})
	}
	if len(before) > 0 {
		commit(runtime.Commit{Memory: []runtime.MemoryWrites{{Ref: ref, Writes: before}}})
	}
	if in.Seen == nil {
		in.Seen = map[string]uint64{}
	}
	err := workflow.SetQueryHandler(ctx, readName, func(q readRequest) (r readReply, err error) {
		r.Memory, r.Items, r.More, err = memoryPage(context.Background(), store, ref, q.After)
		r.MemoryID = workflow.GetInfo(ctx).WorkflowExecution.RunID
		return r, err
	})
	if err != nil {
		return err
	}
	take := func(m memorySignal) {
		if in.Seen[m.Writer] >= m.Seq {
			return // a repetition
		}
		if len(in.Seen) >= mostWriters {
			clear(in.Seen) // a repetition comes within minutes
		}
		in.Seen[m.Writer] = m.Seq
		var writes []journal.MemoryWrite
		for _, one := range m.Writes {
			writes = append(writes, one.journal())
		}
		commit(runtime.Commit{Memory: []runtime.MemoryWrites{{Ref: ref, Keep: m.Keep, Writes: writes}}})
	}
	signals := workflow.GetSignalChannel(ctx, writeName)
	for !workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
		var m memorySignal
		signals.Receive(ctx, &m)
		take(m)
	}
	for {
		var m memorySignal
		if !signals.ReceiveAsync(&m) {
			break
		}
		take(m)
	}
	in.Items = nil
	state, err := store.Memory(context.Background(), ref, 0, func(m journal.MemoryItem) error {
		in.Items = append(in.Items, memoryItemOf(&m))
		return nil
	})
	if err != nil {
		return err
	}
	in.Model = state.Model
	return workflow.NewContinueAsNewError(ctx, memoryType, in)
}

// rememberInput is what a commit writes to a memory that all stacks of a graph share.
type rememberInput struct {
	Ref    journal.MemoryRef `json:"ref"`
	Signal memorySignal      `json:"signal"`
}

// remember is the activity that writes to a memory, and has its workflow begin.
func (w *Worker) remember(ctx context.Context, in rememberInput) error {
	_, err := w.c.SignalWithStartWorkflow(ctx, memoryID(in.Ref), writeName, in.Signal, client.StartWorkflowOptions{
		TaskQueue: w.o.TaskQueue, WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
	}, memoryType, memoryInput{Ref: in.Ref})
	return err
}

// share gives what a commit writes to the memories that other stacks have too, and waits until
// they have it.
func (s *stack) share(c *commit) {
	ctx := workflow.WithActivityOptions(s.ctx, workflow.ActivityOptions{
		StartToCloseTimeout: time.Minute, RetryPolicy: &temporal.RetryPolicy{MaximumInterval: time.Minute},
	})
	var all []workflow.Future
	for i := range c.Memory {
		m := &c.Memory[i]
		if m.Ref.Graph == "" {
			continue
		}
		in := rememberInput{Ref: m.Ref, Signal: memorySignal{Writer: fmt.Sprintf("%s.%s/%s/%d", s.name, s.in.Identity.Nonce, m.Ref.Name, i), Seq: c.Cursor.Seq, Keep: m.Keep}}
		for j := range m.Writes {
			in.Signal.Writes = append(in.Signal.Writes, memoryWriteOf(&m.Writes[j]))
		}
		all = append(all, workflow.ExecuteActivity(ctx, rememberType, in))
	}
	for _, f := range all {
		if err := f.Get(s.ctx, nil); err != nil {
			workflow.GetLogger(s.ctx).Error("a memory does not get what was written to it", "error", err)
		}
	}
}

// memories reads the memories of one stack's graph.
type memories struct {
	w     *Worker
	stack string
	g     *graph.Graph
}

var _ nodes.Memories = memories{}

// Read calls item for the items of a memory that were written after seq.
func (m memories) Read(ctx context.Context, name string, after uint64, item func(nodes.MemoryItem) error) (state nodes.MemoryState, err error) {
	of := m.stack
	known := false
	for i := range m.g.Memories {
		if one := &m.g.Memories[i]; one.Name == name {
			if known = true; one.Graph {
				of = memoryID(journal.MemoryRef{Graph: m.g.Name, Name: name})
			}
		}
	}
	if !known {
		return state, nodes.Permanent(nodes.Errorf("config", "graph %q has no memory %q", m.g.Name, name))
	}
	return memoryPages(func(q readRequest) (readReply, error) {
		r, err := m.w.query(ctx, of, q)
		var missing *serviceerror.NotFound
		if errors.As(err, &missing) && of != m.stack {
			return r, nil // nothing was ever written
		}
		return r, err
	}, name, after, item)
}

// vectorText is a vector as a write has it.
func vectorText(v []byte) string { return base64.StdEncoding.EncodeToString(v) }
