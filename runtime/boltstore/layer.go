package boltstore

import (
	"unsafe"

	"github.com/tidwall/btree"
)

// layer is rows that bbolt does not have yet: what was put, and what was deleted (nil).
// A layer that nobody changes any more may be read by many goroutines.
type layer struct {
	rows    [tables]btree.Map[string, []byte]
	size    int  // bytes of its keys and values, those that were replaced included
	applied bool // bbolt has it, or is about to: see Store.layers
}

// get gives what the layer says of a row; known is false if it says nothing. A row that
// was deleted is nil.
func (l *layer) get(of table, key []byte) (v []byte, known bool) {
	return l.rows[of].Get(text(key))
}

func (l *layer) set(of table, key string, v []byte) {
	l.rows[of].Set(key, v)
	l.size += len(key) + len(v)
}

func (l *layer) empty() bool {
	for i := range l.rows {
		if l.rows[i].Len() > 0 {
			return false
		}
	}
	return true
}

// snapshot is the layer as it is now. It costs little: both share their nodes until one of
// them changes some.
func (l *layer) snapshot() *layer {
	out := &layer{}
	for i := range l.rows {
		if l.rows[i].Len() > 0 {
			out.rows[i] = *l.rows[i].Copy()
		}
	}
	return out
}

// text is a key as a map has it, without a copy. The bytes must stay as they are.
func text(key []byte) string { return unsafe.String(unsafe.SliceData(key), len(key)) }
