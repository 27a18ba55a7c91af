package memory

import (
	"context"
	"errors"
	"fmt"

	"github.com/graphrun/graphrun/graph/journal"
)

// Store is what Reembed needs of a runtime.Store.
type Store interface {
	Memory(ctx context.Context, ref journal.MemoryRef, after uint64, item func(journal.MemoryItem) error) (journal.MemoryState, error)
	Reembed(ctx context.Context, ref journal.MemoryRef, model string, items []journal.MemoryItem) (int, error)
}

// Reembedded says what Reembed did.
type Reembedded struct {
	Items int `json:"items"` // that have got a vector
	Kept  int `json:"kept"`  // that had one of this model already
	Dims  int `json:"dims"`
}

// What one call of embed gets at most.
const (
	batchItems = 64
	batchBytes = 128 << 10
)

var errFull = errors.New("the batch is full")

// Reembed gives all items of a memory vectors that model (see Model) makes; embed makes
// them, a batch at a time.
//
// It may run while stacks use the memory, in the process that owns the store: a batch is
// one transaction, and an item that was written again meanwhile is left as it is now. The
// first batch makes all vectors of another model void. Until it is done, a search finds
// the others by their words, and a write of a stack that still works with the model before
// is kept without vector, and gets one here when it comes in time. What an error or a crash
// leaves, the next Reembed mends: items that have a vector of the model are not asked for
// again.
func Reembed(ctx context.Context, s Store, ref journal.MemoryRef, model string, embed func(ctx context.Context, texts []string) ([][]float32, error)) (Reembedded, error) {
	r := reembedding{store: s, ref: ref, model: model, embed: embed}
	// How many dimensions the model's vectors have at present only a vector says.
	probe, err := r.batch(ctx, 1, false)
	if err != nil || len(probe) == 0 {
		return r.done, err
	}
	if err := r.vectors(ctx, probe); err != nil {
		return r.done, err
	}
	for r.after = 0; ; {
		batch, err := r.batch(ctx, batchItems, true)
		if err != nil || len(batch) == 0 {
			return r.done, err
		}
		if err := r.vectors(ctx, batch); err != nil {
			return r.done, err
		}
		n, err := s.Reembed(ctx, ref, model, batch)
		r.done.Items += n
		if err != nil {
			return r.done, err
		}
	}
}

type reembedding struct {
	store Store
	ref   journal.MemoryRef
	model string
	embed func(ctx context.Context, texts []string) ([][]float32, error)
	after uint64 // of the last item that was read
	done  Reembedded
}

// batch reads the next items: any, or those that lack a vector of the model.
func (r *reembedding) batch(ctx context.Context, most int, lacking bool) (list []journal.MemoryItem, err error) {
	state, err := r.store.Memory(ctx, r.ref, after, nil)
	if err != nil {
		return nil, err
	}
	fits := state.Model == r.model && state.Dims == r.done.Dims
	size := 0
	_, err = r.store.Memory(ctx, r.ref, r.after, func(it journal.MemoryItem) error {
		if len(list) == most || size > batchBytes {
			return errFull
		}
		r.after = it.Seq
		switch {
		case it.Text == "": // no model makes a vector of nothing
		case lacking && fits && it.Vector != nil:
			r.done.Kept++
		default:
			list, size = append(list, it), size+len(it.Text)
		}
		return nil
	})
	if errors.Is(err, errFull) {
		err = nil
	}
	return list, err
}

// vectors fills in the vectors of items.
func (r *reembedding) vectors(ctx context.Context, items []journal.MemoryItem) error {
	texts := make([]string, len(items))
	for i := range items {
		texts[i] = items[i].Text
	}
	vectors, err := r.embed(ctx, texts)
	if err != nil {
		return err
	}
	if len(vectors) != len(items) {
		return fmt.Errorf("model %s gave %d vectors for %d texts", r.model, len(vectors), len(items))
	}
	for i, v := range vectors {
		if r.done.Dims == 0 {
			r.done.Dims = len(v)
		}
		if len(v) != r.done.Dims || len(v) == 0 || len(v) > MaxDims {
			return fmt.Errorf("model %s gave a vector of %d dimensions, expected %d", r.model, len(v), r.done.Dims)
		}
		items[i].Vector = rawOf(v)
	}
	return nil
}
