package runtime

import (
	"context"
	"errors"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
)

// Durability is what a Commit promises when it returns.
type Durability string

const (
	DurabilityWave  Durability = "wave"  // on disk (fsync): survives a power cut. The default
	DurabilityCycle Durability = "cycle" // on disk at the end of each cycle; in between it survives a kill -9
	DurabilityNone  Durability = "none"  // never forced to disk: survives a kill -9
)

var (
	ErrNotFound = journal.ErrNotFound
	ErrExists   = errors.New("runtime: stack exists")
	ErrClosed   = errors.New("runtime: closed")
	ErrNoGraph  = errors.New("runtime: the store does not have the graph")
	// ErrStoreInUse: a store has one runtime at a time. Two of them would both run
	// what the store holds.
	ErrStoreInUse = errors.New("runtime: the store has a runtime that is not closed")
)

// StoreError is a store that cannot be used: locked, damaged, full. The CLI
// ends with exit code 4.
type StoreError struct {
	Path string
	Err  error
	// Fatal: nothing more may be written; reopen from disk.
	Fatal bool
}

func (e *StoreError) Error() string { return e.Err.Error() }
func (e *StoreError) Unwrap() error { return e.Err }

// Store keeps stacks. All methods may be called from many goroutines.
type Store interface {
	inspect.Reader
	// Commit makes one commit durable, whole or not at all; calls that come
	// while another is written share one transaction. A commit whose records
	// are already there (by their Seq) is a no-op; so is the repetition of the
	// one that created the stack (by its Nonce). After a StoreError that is not
	// Fatal the same commit may be tried again. Once begun, a commit is waited
	// for whatever becomes of ctx.
	Commit(ctx context.Context, c Commit) error
	// Seen reports whether an event with this id (of whoever sent it) was
	// recorded for the stack. An id is known for at least 24 hours of the
	// records' time, and as long as no 10,000 others came after it.
	Seen(ctx context.Context, stack, id string) (bool, error)
	// Remove deletes a stack and its history. ErrNotFound when there is none.
	Remove(ctx context.Context, stack string) error
	Close() error
}

// StoppingStore is a Store that notices by itself when it cannot be used any
// more, also while nobody commits: its file is gone, say.
type StoppingStore interface {
	Store
	// OnStop has tell called once, with a StoreError that is Fatal, when that
	// happens, or at once when it has happened. tell may use the store.
	OnStop(tell func(error))
}

// Commit is one step of one stack.
type Commit struct {
	Stack  string
	Create *journal.Identity // the first commit of a stack; ErrExists when there is one
	// Graph is stored when its hash is not there yet. It has to come with the
	// commit in which Cursor.Hash becomes its hash: a definition is deleted when
	// no kept history of a stack needs it any more. Without a Def it stands for the
	// definition of its hash that the store has; ErrNoGraph says that it has none,
	// and then nothing was done.
	Graph   *StoredGraph
	Records []journal.Record // never changed again: who has them may keep them
	Changes []graph.Change   // in the first commit every key is Whole
	Cursor  journal.Cursor
	Sync    bool // force to disk, whatever the durability
	// Keep is how much history stays: what is older is deleted little by
	// little, along with this and later commits, at the ends of cycles. A
	// quarter more than it says may be there. The zero value deletes nothing.
	Keep graph.History
}

// How long the ids of events are known: as Store.Seen says.
const (
	SeenFor  = 24 * time.Hour
	SeenLast = 10_000
)

// StoredGraph is a definition kept with its stacks.
type StoredGraph = journal.StoredGraph

// Summary is one line of the list of stacks.
type Summary = journal.Summary
