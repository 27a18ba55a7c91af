package inspect

import (
	"cmp"

	"github.com/graphrun/graphrun/graph/journal"
)

// used is what tasks used of models.
type used struct {
	tokens int64
	cost   float64
}

// usedBy is what a record adds to what its task used; false for records that add nothing.
func usedBy(r *journal.Record) (key journal.TaskKey, u used, ok bool) {
	switch b := r.Body.(type) {
	case *journal.TaskStep:
		u = used{b.Tokens, b.Cost}
	case *journal.TaskFinished:
		u = used{b.Tokens, b.Cost}
	case *journal.TaskHeld:
		u = used{b.Tokens, b.Cost}
	case *journal.TaskUsed:
		u = used{b.Tokens, b.Cost}
		key = journal.TaskKey{Cycle: cmp.Or(b.Began, r.Cycle), Wave: b.Wave, Node: b.Node, Item: b.Item}
	}
	if u == (used{}) {
		return key, u, false
	}
	if k, ok := r.Task(); ok {
		key = k
	}
	return key, u, true
}
