package runtime

import (
	"context"
	"errors"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
)

// Durability says what a commit survives once it has returned.
type Durability string

const (
	DurabilityWave  Durability = "wave"  // on disk (fsync): survives a power cut. The default
	DurabilityCycle Durability = "cycle" // on disk at the end of each cycle; in between it survives a kill -9
	DurabilityNone  Durability = "none"  // never forced to disk: survives a kill -9
)

var (
	// ErrNotFound says that there is no such stack.
	ErrNotFound = journal.ErrNotFound
	// ErrExists says that there is a stack with this id already.
	ErrExists = errors.New("runtime: stack exists")
	// ErrClosed says that the runtime or the store is closed.
	ErrClosed = errors.New("runtime: closed")
	// ErrNoGraph says that the store does not have the definition.
	ErrNoGraph = errors.New("runtime: the store does not have the graph")
	// ErrMoved says that a stack has moved on, or was removed, since a fork of it was prepared.
	ErrMoved = errors.New("runtime: the stack has moved on")
	// ErrStoreInUse says that the store has a runtime that is not closed. Two of them
	// would both run what the store holds.
	ErrStoreInUse = errors.New("runtime: the store has a runtime that is not closed")
)

// StoreError reports a store that cannot be used: it is locked, damaged or full. The
// command line then exits with code 4.
type StoreError struct {
	Path string
	Err  error
	// Fatal says that nothing more may be written: the store has to be reopened.
	Fatal bool
}

func (e *StoreError) Error() string { return e.Err.Error() }
func (e *StoreError) Unwrap() error { return e.Err }

// Store keeps stacks. All methods may be called from many goroutines at the same time.
// Package storetest checks an implementation.
type Store interface {
	inspect.Reader
	MemoryStore
	// Commit makes one commit durable, whole or not at all. Calls that arrive while
	// another commit is written may share one transaction. A commit whose records are
	// in the store already (by their Seq) does nothing, and neither does a repetition of
	// the commit that created the stack (by its Nonce). After a StoreError that is not
	// Fatal the same commit may be tried again. Once begun, Commit does not return
	// early when ctx ends.
	Commit(ctx context.Context, c Commit) error
	// Remove deletes a stack, its history and its own memories. ErrNotFound when there is
	// none.
	Remove(ctx context.Context, stack string) error
	Close() error
}

// StoppingStore is a Store that notices by itself when it cannot be used any more, for
// example because its file is gone.
type StoppingStore interface {
	Store
	// OnStop calls tell once, with a fatal StoreError, when that happens, or at once when
	// it has happened already. tell may use the store.
	OnStop(tell func(error))
}

// BusyStore is a Store in which a commit may have to wait for others that are being
// written. A stack whose attempts still run waits with its commit then: what ends
// meanwhile is in it too.
type BusyStore interface {
	Store
	// Busy says whether a commit that is made now would wait. If so, the store calls free
	// once, as soon as a commit would not wait any more; also when the store has failed or is
	// closed. It calls free without a lock of its own, on any goroutine, and free does not
	// block. Whoever waited commits at once, and should be let in before the next group is
	// written.
	Busy(free func()) bool
}

// JoiningStore is a Store that does not need the end of every cycle as a commit of its own.
// Where a cycle ends without a pause, its end and the beginning of the next one are then one
// commit, in whose cursor a cycle is open.
type JoiningStore interface {
	Store
	// Joins says whether the end of the cycle that is open in a stack may be such a commit. A
	// store says no where it has to keep the state between two cycles. It is asked between
	// the commits of the stack.
	Joins(stack string) bool
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
	Graph *StoredGraph
	// Records are never changed again: they may be kept. Some may be a journal.Round, which
	// stands for several: a store reads out single ones.
	Records []journal.Record
	// Shape is that of the definition with Cursor.Hash, for a store that keeps records in
	// the packed form of package journal; nil without one.
	Shape   *journal.Shape
	Changes []graph.Change // in the first commit every key is Whole
	// Memory is what happens to memories, in this order: those of the stack's graph, and
	// the stack's own. ChangeMemory says what it means.
	Memory []MemoryWrites
	// MemoriesOf is, in the first commit of a stack, another stack whose own memories it
	// gets copies of, as they are now; "" is none. ErrNotFound when it is not there.
	MemoriesOf string
	// Fork says, in the first commit of a stack, that it is a fork; else nil.
	Fork   *Fork
	Cursor journal.Cursor
	Sync   bool // force to disk, unless the durability is DurabilityNone
	// Keep is how much history stays. What is older is deleted little by little, with
	// this and later commits, at the ends of cycles. Up to a quarter more may be there.
	// The zero value deletes nothing.
	Keep graph.History
}

// StoredGraph is a definition that is kept with its stacks.
type StoredGraph = journal.StoredGraph

// Summary is what a list says of one stack.
type Summary = journal.Summary

// Fork is, in the first commit of a fork, what it takes of the stack that it is forked from.
// A state of that stack is named by the Cursor.Seq that it had then: the present one, or one
// that Base has answered. ErrMoved says that it is not there any more, and nothing was done.
type Fork struct {
	Stack string
	Nonce string // Identity.Nonce of it: ErrMoved when another stack has its id by now

	// From and To are the records of it that the fork has too, before the first one of the
	// commit. None when To is 0.
	From, To uint64

	// Base is the state that the fork's Base answers for all moments before its own, together
	// with BaseCursor and BaseChanges, which are made to it. Without a BaseCursor it is a state
	// that Base has answered, with the cursor of then. 0 without a BaseCursor: the history is
	// followed from the first record.
	Base        uint64
	BaseCursor  *journal.Cursor
	BaseChanges []graph.Change

	// State is the state that the commit's Changes are made to; where it is Base, after
	// BaseChanges. 0 means none, and then every key is Whole in them.
	State uint64
	// Now says that State is the present state. So is Base then if it is the same and comes
	// with a BaseCursor; else both are what Base has answered.
	Now bool
}
