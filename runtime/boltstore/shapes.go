package boltstore

import (
	"bytes"
	"fmt"
	"sync"

	"github.com/graphrun/graphrun/graph/journal"
)

// Records refer to the shape of the definition that they were decided under. A definition
// may have several: a later version may make another one. They lie beside it, and are
// deleted with it: no record refers to one of a definition that its stack does not need.

// graphShape is the part of a definition that is one of its shapes; the ShapeID follows.
// The letter is a capital where the shape is a blob.
const graphShape = 'h'

func shapeKey(hash string, id journal.ShapeID) []byte {
	return append(graphKey(hash, graphShape), id[:]...)
}

func apartShapeKey(hash string, id journal.ShapeID) []byte {
	return append(apartKey(hash, graphShape), id[:]...)
}

// shapes are those that were read, and where those are stored that commits have.
type shapes struct {
	mu     sync.Mutex
	read   map[journal.ShapeID]*journal.Shape
	stored map[storedShape]bool
}

type storedShape struct {
	hash string
	id   journal.ShapeID
}

// keptShapes bounds each of the two.
const keptShapes = 64

func (s *shapes) of(id journal.ShapeID) *journal.Shape {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.read[id]
}

func (s *shapes) keep(shape *journal.Shape) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.read == nil || len(s.read) >= keptShapes {
		s.read = map[journal.ShapeID]*journal.Shape{}
	}
	s.read[shape.ID()] = shape
}

// isStored reports that a shape lies beside a definition that stacks need. It may be gone
// with the last of them: whoever brings the definition has to look.
func (s *shapes) isStored(hash string, id journal.ShapeID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stored[storedShape{hash, id}]
}

// noteStored says that a commit has succeeded that refers to a shape.
func (s *shapes) noteStored(hash string, id journal.ShapeID) {
	at := storedShape{hash, id}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stored[at] {
		return
	}
	if s.stored == nil || len(s.stored) >= keptShapes {
		s.stored = map[storedShape]bool{}
	}
	s.stored[at] = true
}

// shape is the one that records of a stack refer to; nil if they refer to none.
func (t *txn) shape(n stackNumber, records []byte) (*journal.Shape, error) {
	id, refers := journal.ShapeOf(records)
	if !refers {
		return nil, nil
	}
	if s := t.shapes.of(id); s != nil {
		return s, nil
	}
	if err := t.openGraphs(); err != nil {
		return nil, err
	}
	uses, err := t.graphUses(n)
	if err != nil {
		return nil, err
	}
	for _, u := range uses {
		b, err := t.shapeBytes(u.hash, id)
		if err != nil {
			return nil, err
		}
		if b == nil {
			continue
		}
		s, err := journal.ParseShape(bytes.Clone(b))
		if err == nil && s.ID() != id {
			err = fmt.Errorf("is the shape %x", s.ID())
		}
		if err != nil {
			return nil, damage(graphsBucket, shapeKey(u.hash, id), err.Error())
		}
		t.shapes.keep(s)
		return s, nil
	}
	return nil, damage(graphsBucket, id[:], "the shape of a definition is missing")
}

// shapeBytes reads a shape that lies beside a definition; nil when it does not.
func (t *txn) shapeBytes(hash string, id journal.ShapeID) ([]byte, error) {
	if key := shapeKey(hash, id); t.graphs.Get(key) != nil {
		return unseal(graphsBucket, key, t.graphs.Get(key))
	}
	key := apartShapeKey(hash, id)
	raw := t.graphs.Get(key)
	if raw == nil {
		return nil, nil
	}
	return t.graphBlob(key, raw)
}

// putShape lets a shape lie beside the definition that the stack runs under.
func (c *commit) putShape(t *txn) error {
	hash, id := c.Cursor.Hash, c.shape.ID()
	if c.Graph == nil && t.shapes.isStored(hash, id) {
		return nil
	}
	if err := t.openGraphs(); err != nil {
		return err
	}
	if t.graphs.Get(shapeKey(hash, id)) != nil || t.graphs.Get(apartShapeKey(hash, id)) != nil {
		return nil
	}
	if !t.hasGraph(hash) {
		return fmt.Errorf("runtime: the shape of graph %.12s without its definition", hash)
	}
	return t.putPart(shapeKey(hash, id), apartShapeKey(hash, id), c.shape.Bytes())
}

// eachShape calls fn for the keys of the shapes of a definition.
func (t *txn) eachShape(hash string, fn func(key []byte) error) error {
	for _, prefix := range [][]byte{graphKey(hash, graphShape), apartKey(hash, graphShape)} {
		var keys [][]byte
		c := t.graphs.Cursor()
		for key, _ := c.Seek(prefix); bytes.HasPrefix(key, prefix); key, _ = c.Next() {
			if len(key) == len(prefix)+len(journal.ShapeID{}) {
				keys = append(keys, bytes.Clone(key))
			}
		}
		for _, key := range keys {
			if err := fn(key); err != nil {
				return err
			}
		}
	}
	return nil
}

// shapeOwner is the hash of the definition that a key of a shape belongs to.
func shapeOwner(key []byte) (hash string, apart, ok bool) {
	at := len(key) - len(journal.ShapeID{}) - 1
	if at < 0 || key[at] != graphShape && key[at] != graphShape-'a'+'A' {
		return "", false, false
	}
	return string(key[:at]), key[at] != graphShape, true
}

// copyShapes puts the shapes of a definition of another store.
func (t *txn) copyShapes(src *txn, hash string) error {
	return src.eachShape(hash, func(key []byte) error {
		id := journal.ShapeID(key[len(key)-len(journal.ShapeID{}):])
		b, err := src.shapeBytes(hash, id)
		if err != nil {
			return err
		}
		if t.graphs.Get(shapeKey(hash, id)) != nil || t.graphs.Get(apartShapeKey(hash, id)) != nil {
			return nil
		}
		return t.putPart(shapeKey(hash, id), apartShapeKey(hash, id), b)
	})
}
