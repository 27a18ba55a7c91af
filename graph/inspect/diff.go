package inspect

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
)

// Diff is what differs between the states of a stack at two points of its history.
type Diff struct {
	Stack      string
	A, B       journal.Point // as Past.Point
	Operations []Operation   // by the names of the keys; applied to the state at A in this order they give that at B
}

// Operation is one operation of RFC 6902: add, remove or replace. By is the last writer of
// the key at the later of the two points.
type Operation struct {
	Op    string       `json:"op"`
	Path  string       `json:"path"`            // RFC 6901: "/todos/0/status"
	Value *value.Value `json:"value,omitempty"` // nil of a remove
	By    *journal.By  `json:"by"`              // nil where nobody knows it

	Key   string      `json:"-"` // of the state
	Place string      `json:"-"` // within the key, as expressions write it: "[0].status"; "" is the key itself
	Was   value.Value `json:"-"` // what a replace or a remove takes away
}

// DiffOf compares the states of a stack at two points of its history. Errors are those of
// At.
func DiffOf(ctx context.Context, store Reader, kinds graph.Kinds, stack string, a, b journal.Point) (Diff, error) {
	from, wroteA, err := writtenAt(ctx, store, kinds, stack, a)
	if err != nil {
		return Diff{}, err
	}
	to, wroteB, err := writtenAt(ctx, store, kinds, stack, b)
	if err != nil {
		return Diff{}, err
	}
	d := differ{ops: []Operation{}, wrote: wroteB}
	if isBefore(to.Point, from.Point) {
		d.wrote = wroteA
	}
	keys := slices.AppendSeq(slices.Collect(maps.Keys(from.State)), maps.Keys(to.State))
	slices.Sort(keys)
	for _, key := range slices.Compact(keys) {
		d.key = key
		d.property(from.State, to.State, key, "", "")
	}
	return Diff{stack, from.Point, to.Point, d.ops}, nil
}

// isBefore compares points that name their wave.
func isBefore(a, b journal.Point) bool {
	return cmp.Or(cmp.Compare(a.Cycle, b.Cycle), cmp.Compare(a.Wave, b.Wave)) < 0
}
