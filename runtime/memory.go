package runtime

import (
	"context"
	"fmt"

	"github.com/graphrun/graphrun/graph/journal"
)

// MemoryStore is what a Store has besides its stacks: memories, which commits write to
// (Commit.Memory), and small texts.
type MemoryStore interface {
	// Memory calls item for the items of a memory that were written after seq, oldest
	// first, and returns where the memory stands: its Deletes at the beginning of the
	// reading, and all else at the end. An item whose id was written again meanwhile comes
	// twice, and the later one counts. item may use the store; its errors come back as they
	// are. The memory of a stack that is not there is ErrNotFound.
	Memory(ctx context.Context, ref journal.MemoryRef, after uint64, item func(journal.MemoryItem) error) (journal.MemoryState, error)
	// Reembed gives items of a memory vectors that model made, in one transaction. With
	// another model or another number of dimensions than the memory's all its other vectors
	// are void from then on. Only Seq, ID and Vector of an item are used; one that is not
	// there any more as it was read is left out. It returns how many items it changed.
	Reembed(ctx context.Context, ref journal.MemoryRef, model string, items []journal.MemoryItem) (int, error)

	// Keep keeps a text of at most MaxKeptText under a name of 1 to MaxKeptName bytes, in
	// place of the one before; "" keeps none. Kept returns it, "" if there is none.
	Keep(ctx context.Context, name, text string) error
	Kept(ctx context.Context, name string) (string, error)
}

// The bounds of MemoryStore.Keep, in bytes.
const (
	MaxKeptName = 1 << 10
	MaxKeptText = 1 << 20
)

// CheckKept returns what is wrong with a name and a text for MemoryStore.Keep; nil if
// nothing is.
func CheckKept(name, text string) error {
	if name == "" || len(name) > MaxKeptName {
		return fmt.Errorf("runtime: a kept text's name has %d bytes, expected 1 to %d", len(name), MaxKeptName)
	}
	if len(text) > MaxKeptText {
		return fmt.Errorf("runtime: kept text %q has %d bytes, expected at most %d", name, len(text), MaxKeptText)
	}
	return nil
}

// MemoryWrites is what a commit does to one memory.
type MemoryWrites struct {
	Ref    journal.MemoryRef
	Keep   int // how many items stay after each write: the oldest written go; 0 means no limit of the graph's own
	Writes []journal.MemoryWrite
}
