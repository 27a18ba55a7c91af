package boltstore

import (
	"encoding/json"
	"maps"
	"slices"
	"sync"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/runtime"
)

// encoder turns a commit into rows, outside of the transaction and on the
// goroutine of whoever commits. All rows share one buffer, which must be left
// alone until the transaction has ended.
type encoder struct {
	buf    []byte
	packer journal.Packer
}

// largeBuffer is the size above which a buffer is not kept for later.
const largeBuffer = 1 << 20

var encoders = sync.Pool{New: func() any { return &encoder{buf: make([]byte, 0, 1024)} }}

func newEncoder() *encoder { return encoders.Get().(*encoder) }

func (e *encoder) free() {
	if cap(e.buf) <= largeBuffer {
		e.buf = e.buf[:0]
		encoders.Put(e)
	}
}

// row makes one row of what fill appends. When the buffer has to move, the
// rows made before keep the old one.
func (e *encoder) row(fill func(b []byte) []byte) row {
	start := len(e.buf)
	b := fill(append(e.buf, 0))
	e.buf = append(b, make([]byte, sumSize)...) //nolint:gocritic // fill appends to e.buf
	return newRow(e.buf[start:len(e.buf):len(e.buf)])
}

func (e *encoder) value(v any) row {
	return e.row(func(b []byte) []byte { return value.Append(b, v) })
}

// part is a row of a value that has several, with its place in the value.
type part struct {
	row
	at   int    // of an element
	name string // of a property
}

func (e *encoder) element(at int, v any) part { return part{row: e.value(v), at: at} }

func (e *encoder) property(name string, v any) part {
	return part{row: e.value(map[string]any{name: v}), name: name}
}

// parts makes the rows of a whole value that is stored by its parts.
func (e *encoder) parts(v any) []part {
	var parts []part
	switch v := v.(type) {
	case []any:
		parts = make([]part, len(v))
		for i, x := range v {
			parts[i] = e.element(i, x)
		}
	case map[string]any:
		parts = make([]part, 0, len(v))
		for _, name := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, e.property(name, v[name]))
		}
	}
	return parts
}

// bulk is what is large in one record, as a row of its own.
type bulk struct {
	row
	seq   uint64
	value any
}

// records is the journal's row of one commit. What is large in a record gets a row of its
// own.
func (e *encoder) records(list []journal.Record, shape *journal.Shape) (row, []bulk) {
	var apart []bulk
	packed := e.row(func(b []byte) []byte {
		return e.packer.Records(b, list, shape, func(r *journal.Record) bool {
			v := r.Bulk()
			large := v != nil && !value.Within(v, outOfLine)
			if large {
				apart = append(apart, bulk{seq: r.Seq, value: v})
			}
			return large
		})
	})
	for i := range apart {
		apart[i].row = e.value(apart[i].value)
	}
	return packed, apart
}

// change is a graph.Change as rows.
type change struct {
	graph.Change
	one   row    // the whole value, stored as one
	parts []part // of the whole value, or those of Put or Set
}

// commit is a runtime.Commit as rows.
type commit struct {
	runtime.Commit
	identity row
	records  row
	shape    *journal.Shape // that the records refer to; nil for none
	bulk     []bulk
	changes  []change
	cursor   []byte // without the questions that have rows of their own
	waiting  []question
	asking   []question
	graph    []byte  // what StoredGraph says beside its texts
	base     *commit // what Fork.BaseCursor and BaseChanges say; nil without
	apart    bool    // the end of the open cycle has to be a commit of its own; of apply
}

// graphInfo is the part of a stored graph that is neither of its texts.
type graphInfo struct {
	Name string `json:"name"`
	File string `json:"file"`
}

func (e *encoder) commit(c runtime.Commit) (*commit, error) {
	out := &commit{Commit: c, changes: make([]change, len(c.Changes))}
	e.cursor(out)
	if c.Create != nil {
		out.identity = e.row(func(b []byte) []byte { return e.packer.Identity(b, c.Create) })
	}
	var err error
	if c.Graph != nil {
		if out.graph, err = json.Marshal(graphInfo{c.Graph.Name, c.Graph.File}); err != nil {
			return nil, err
		}
	}
	if f := c.Fork; f != nil && f.BaseCursor != nil {
		if out.base, err = e.commit(runtime.Commit{Stack: c.Stack, Cursor: *f.BaseCursor, Changes: f.BaseChanges}); err != nil {
			return nil, err
		}
	}
	if len(c.Records) > 0 {
		if c.Shape != nil && c.Shape.Hash == c.Cursor.Hash { // else nobody would know when it is needed no more
			out.shape = c.Shape
		}
		out.records, out.bulk = e.records(c.Records, out.shape)
	}
	for i, ch := range c.Changes {
		out.changes[i] = e.change(ch, c.Create != nil, out.bulk)
	}
	return out, nil
}

// change makes the rows of one key. A whole list or object is one row, since it
// will most likely be replaced as a whole again; that of a new stack is stored
// by its parts, since nothing is known of it yet. An output that became a value is
// written once for both.
func (e *encoder) change(c graph.Change, create bool, outputs []bulk) change {
	out := change{Change: c}
	switch {
	case !c.Whole:
		out.parts = make([]part, 0, len(c.Put)+len(c.Set))
		for _, put := range c.Put {
			out.parts = append(out.parts, e.element(put.At, put.Value))
		}
		for _, set := range c.Set {
			out.parts = append(out.parts, e.property(set.Name, set.Value))
		}
	case create && formOf(c.Value) != asOne:
		out.parts = e.parts(c.Value)
	default:
		same := slices.IndexFunc(outputs, func(b bulk) bool { return value.Same(b.value, c.Value) })
		if same < 0 {
			out.one = e.value(c.Value)
			break
		}
		out.one = outputs[same].row
		out.one.head = slices.Clone(out.one.head) // each row has its own checksum
	}
	return out
}
