package runtime

import (
	"context"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/nodes"
)

// recall reads the memories of one stack's graph.
type recall struct {
	store MemoryStore
	stack string
	g     *graph.Graph
}

var _ nodes.Memories = recall{}

// Read calls item for the items of a memory that were written after seq. It is kind
// "config" if the graph has no such memory.
func (r recall) Read(ctx context.Context, memory string, after uint64, item func(nodes.MemoryItem) error) (nodes.MemoryState, error) {
	for i := range r.g.Memories {
		if m := &r.g.Memories[i]; m.Name == memory {
			return r.store.Memory(ctx, MemoryOf(r.g.Name, r.stack, m), after, item)
		}
	}
	return nodes.MemoryState{}, nodes.Permanent(nodes.Errorf("config", "graph %q has no memory %q", r.g.Name, memory))
}

// MemoryOf names a memory of the graph of that name in the store, for one of its stacks.
func MemoryOf(name, stack string, m *graph.Memory) journal.MemoryRef {
	if m.Graph {
		return journal.MemoryRef{Graph: name, Name: m.Name}
	}
	return journal.MemoryRef{Stack: stack, Name: m.Name}
}

// memoryWrites are the changes of memories that the machine decided, as a store takes
// them: those of one memory that follow each other together.
func (d *drive) memoryWrites(list []machine.MemoryChange) (out []MemoryWrites) {
	for i := range list {
		c := &list[i]
		ref := MemoryOf(d.g.Name, d.name, &graph.Memory{Name: c.Memory, Graph: c.Graph})
		if n := len(out); n == 0 || out[n-1].Ref != ref || out[n-1].Keep != c.Keep {
			out = append(out, MemoryWrites{Ref: ref, Keep: c.Keep})
		}
		last := &out[len(out)-1]
		last.Writes = append(last.Writes, c.MemoryWrite)
	}
	return out
}
