package inspect

import (
	"context"

	"github.com/graphrun/graphrun/graph/journal"
)

// Reader answers questions about the stacks of a store, also when the store is
// in another process. What is not asked for is not read: a question costs what
// its answer is, however large the outputs of the past are.
//
// All methods may be called from many goroutines. Functions that are passed in
// may use the Reader; their errors come back as they are. A stack that does not
// exist is journal.ErrNotFound.
type Reader interface {
	// Stack is who a stack is and where it stands.
	Stack(ctx context.Context, stack string) (journal.Summary, error)
	// Stacks calls fn for each stack, in the order of their ids, until it returns
	// an error. Stacks that cannot be read are among them, with journal.Summary.Err. No more
	// than a few hundred are in memory at a time; those that come or go meanwhile
	// may be missing.
	Stacks(ctx context.Context, fn func(journal.Summary) error) error
	// State is a stack without its records.
	State(ctx context.Context, stack string) (journal.Snapshot, error)
	// Load is a whole stack: what machine.Restore needs. Between two cycles
	// (not Cursor.Open) the bulk of records that no longer matters may be missing:
	// all but that of events, and of the tasks in Cursor.Waiting.
	Load(ctx context.Context, stack string) (journal.Snapshot, error)
	// Base is a stack as it was at the end of a cycle, at or before a point: as Load
	// would have given it then, from the nearest checkpoint that the store has. The
	// records after Base's Cursor.Seq lead on from there. The zero Point is now, and
	// journal.Beginning the start of the history that is kept. A Cursor.Seq of 0 means that
	// the history is followed from its first record; then only Identity is set.
	// Where the history before the point is deleted, it is the oldest one there is.
	Base(ctx context.Context, stack string, at journal.Point) (journal.Snapshot, error)
	// Records calls fn for records of a stack in their order, those that want
	// names and that were there when it began, until fn returns an error.
	Records(ctx context.Context, stack string, want journal.Want, fn func(journal.Record) error) error
	// Graph is a stored definition by its hash.
	Graph(ctx context.Context, hash string) (journal.StoredGraph, error)
}
