package memory

import (
	"context"
	"math"
	"slices"
	"sync"

	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes"
)

// index is one memory, ready to be searched. It is brought up to date with what the
// store has when a task wants something of it.
type index struct {
	// turn is held to bring it up to date; whoever waits for it can give up.
	turn chan struct{}

	mu    sync.RWMutex
	begun bool
	state nodes.MemoryState // that has been read
	items []item            // as they were written; some are gone
	first int               // none before it is there
	ids   map[string]int32
	terms map[string]*postings
	words int // in all items
	vectors
	bytes int64 // about what it takes
}

// item is one item of a memory.
type item struct {
	seq   uint64
	id    string
	text  string
	data  any
	words int32
	gone  bool
}

// postings are the items that have a word, in their order.
type postings struct{ list []posting }

// posting says how often an item has a word.
type posting struct{ item, times int32 }

// What an item, a posting of a word and a word of the memory take besides their bytes.
const (
	itemBytes    = 200
	postingBytes = 8
	termBytes    = 80
)

func newIndex() *index {
	x := &index{turn: make(chan struct{}, 1)}
	x.clear(nodes.MemoryState{})
	return x
}

func (x *index) clear(s nodes.MemoryState) {
	x.begun, x.items, x.first, x.words, x.bytes = false, nil, 0, 0, 0
	x.ids, x.terms = map[string]int32{}, map[string]*postings{}
	x.vectors = vectors{dims: s.Dims}
}

// read is nodes.Memories.Read of one memory.
type read func(ctx context.Context, after uint64, item func(nodes.MemoryItem) error) (nodes.MemoryState, error)

// refresh reads what the memory has got since it was read last.
func (x *index) refresh(ctx context.Context, read read) error {
	select {
	case x.turn <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-x.turn }()
	now, err := read(ctx, after, nil)
	if err != nil || x.begun && now == x.state {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.begun && now.Deletes == x.state.Deletes && now.Epoch == x.state.Epoch && now.Dims == x.state.Dims && now.Seq >= x.state.Seq {
		return x.readAfter(ctx, read, x.state.Seq)
	}
	for range 3 { // the vectors of another model may come while they are read
		x.clear(now)
		if err = x.readAfter(ctx, read, 0); err != nil {
			x.clear(nodes.MemoryState{})
			return err
		}
		if x.state.Epoch == now.Epoch && x.state.Dims == now.Dims {
			return nil
		}
		now = x.state
	}
	return nil
}

// after is behind every item: a reader of what comes after it gets the state alone.
const after = math.MaxUint64 - 1

func (x *index) readAfter(ctx context.Context, read read, seq uint64) error {
	state, err := read(ctx, seq, func(it nodes.MemoryItem) error {
		x.add(it)
		return nil
	})
	if err != nil {
		return err
	}
	for x.first < len(x.items) && (x.items[x.first].gone || state.Count == 0 || x.items[x.first].seq < state.First) {
		x.drop(int32(x.first))
		x.first++
	}
	x.state, x.begun = state, true
	x.compact()
	return nil
}

// add appends an item. One with its id is gone then.
func (x *index) add(it nodes.MemoryItem) {
	if old, there := x.ids[it.ID]; there {
		x.drop(old)
	}
	x.put(item{seq: it.Seq, id: it.ID, text: it.Text, data: it.Data})
	if x.dims > 0 && len(it.Vector) == 4*x.dims {
		x.vectors.add(int32(len(x.items)-1), it.Vector)
		x.bytes += int64(len(it.Vector))
	}
}

func (x *index) put(it item) {
	n := int32(len(x.items))
	words(it.text, true, func(w []byte, counts bool) {
		if counts {
			it.words++
		}
		p := x.terms[string(w)]
		if p == nil {
			p = &postings{}
			x.terms[string(w)] = p
			x.bytes += int64(len(w)) + termBytes
		}
		if k := len(p.list) - 1; k >= 0 && p.list[k].item == n {
			p.list[k].times++
			return
		}
		p.list = append(p.list, posting{n, 1})
		x.bytes += postingBytes
	})
	x.items = append(x.items, it)
	x.ids[it.id] = n
	x.words += int(it.words)
	x.bytes += it.size()
}

func (it *item) size() int64 {
	return int64(len(it.id)+len(it.text)+value.Size(it.data)) + itemBytes
}

// drop lets go of an item. Its postings and its vector go with the next compact.
func (x *index) drop(n int32) {
	it := &x.items[n]
	if it.gone {
		return
	}
	x.words -= int(it.words)
	x.bytes -= it.size()
	if x.ids[it.id] == n {
		delete(x.ids, it.id)
	}
	*it = item{seq: it.seq, gone: true}
}

// compact builds the memory from its own items when more of them are gone than are there.
func (x *index) compact() {
	const few = 1000
	if gone := len(x.items) - len(x.ids); gone < few || gone < len(x.ids) {
		return
	}
	old := *x.snapshot()
	x.clear(x.state)
	x.begun = true
	moved := make([]int32, len(old.items))
	for i := range old.items {
		if moved[i] = -1; !old.items[i].gone {
			moved[i] = int32(len(x.items))
			it := old.items[i]
			it.words = 0
			x.put(it)
		}
	}
	for slot := range old.n {
		if to := moved[old.of[slot]]; to >= 0 {
			x.vectors.copy(to, &old.vectors, slot)
			x.bytes += int64(4 * x.dims)
		}
	}
}

// snapshot is what compact needs of the index.
func (x *index) snapshot() *struct {
	items []item
	vectors
} {
	return &struct {
		items []item
		vectors
	}{x.items, x.vectors}
}

// copy takes over a vector of another memory of the same dimensions.
func (v *vectors) copy(item int32, from *vectors, slot int) {
	if v.n%blockSize == 0 {
		v.blocks = append(v.blocks, make([]float32, blockSize*v.dims))
	}
	copy(v.blocks[v.n/blockSize][v.n%blockSize*v.dims:], from.blocks[slot/blockSize][slot%blockSize*v.dims:][:v.dims])
	v.norms = append(v.norms, from.norms[slot])
	v.of = append(v.of, item)
	v.n++
}

// queryWords are the words of a query, each once.
func queryWords(query string) []string {
	var list []string
	words(query, false, func(w []byte, _ bool) {
		if !slices.Contains(list, string(w)) {
			list = append(list, string(w))
		}
	})
	return list
}
