package boltstore

import (
	"bytes"
	"encoding/binary"

	bolt "go.etcd.io/bbolt"
)

// table is one kind of rows. Each is a bucket of bbolt, but for the blobs and their counts,
// which share one, and the sequences, which are the counters of the buckets.
type table byte

const (
	indexTable table = iota
	stacksTable
	blobsTable  // HASH → a value that is stored out of line
	countsTable // HASH 'n' → its references
	graphsTable
	removedTable
	memoryTable
	keptTable
	sequenceTable // the table, as one byte → the last number that it gave
	tables
)

// bucket is where bbolt has the rows of a table.
func (of table) bucket() []byte {
	return [...][]byte{indexBucket, stacksBucket, blobsBucket, blobsBucket, graphsBucket, removedBucket, memoryBucket, keptBucket, nil}[of]
}

// rows are those of one table as a transaction sees them: what bbolt has, under what the log
// has and bbolt does not have yet. A transaction of bbolt alone has nothing above it. It is
// used as a bucket of bbolt is: what it gives is valid within the transaction and must not be
// changed.
type rows struct {
	t    *txn
	of   table
	base *bolt.Bucket // see bucket
}

// bucket is where bbolt has the rows. A transaction with a stage opens it when it is first
// needed.
func (r *rows) bucket() *bolt.Bucket {
	if r.base == nil {
		r.base = r.t.bolt().Bucket(r.of.bucket())
	}
	return r.base
}

// Get gives a row, nil if there is none.
func (r *rows) Get(key []byte) []byte {
	for _, l := range r.t.over {
		if v, known := l.get(r.of, key); known {
			return v
		}
	}
	if r.of != blobsTable {
		return r.bucket().Get(key)
	}
	if b := r.bucket().Bucket(key); b != nil {
		return b.Get(blobKey)
	}
	return nil
}

// Put stores a row. Key and value stay the caller's.
func (r *rows) Put(key, v []byte) error {
	if r.t.stage != nil {
		r.t.stage.put(r.of, key, v)
		return nil
	}
	return putBase(r.bucket(), r.of, key, v)
}

// Delete deletes a row, if it is there.
func (r *rows) Delete(key []byte) error {
	if r.t.stage != nil {
		r.t.stage.delete(r.of, key)
		r.t.heads.gone(r.of, key)
		return nil
	}
	return putBase(r.bucket(), r.of, key, nil)
}

// putBase stores a row in bbolt, or deletes it if v is nil.
func putBase(b *bolt.Bucket, of table, key, v []byte) error {
	switch {
	case of != blobsTable && v != nil:
		return b.Put(key, v)
	case of != blobsTable:
		return b.Delete(key)
	case v == nil:
		if b.Bucket(key) == nil {
			return nil
		}
		return b.DeleteBucket(key)
	}
	one, err := b.CreateBucketIfNotExists(key)
	if err != nil {
		return err
	}
	return one.Put(blobKey, v)
}

// Sequence is the last number that NextSequence gave.
func (r *rows) Sequence() uint64 {
	for _, l := range r.t.over {
		if v, known := l.get(sequenceTable, []byte{byte(r.of)}); known {
			return binary.BigEndian.Uint64(v)
		}
	}
	return r.bucket().Sequence()
}

// NextSequence gives 1, 2, 3, …
func (r *rows) NextSequence() (uint64, error) {
	next := r.Sequence() + 1
	return next, r.SetSequence(next)
}

// SetSequence lets NextSequence continue after n.
func (r *rows) SetSequence(n uint64) error {
	if r.t.stage != nil {
		r.t.stage.put(sequenceTable, []byte{byte(r.of)}, binary.BigEndian.AppendUint64(nil, n))
		return nil
	}
	return r.bucket().SetSequence(n)
}

// ForEach calls fn for each row, in the order of their keys.
func (r *rows) ForEach(fn func(key, v []byte) error) error {
	c := r.Cursor()
	for key, v := c.First(); key != nil; key, v = c.Next() {
		if err := fn(key, v); err != nil {
			return err
		}
	}
	return nil
}

// Cursor walks over the rows in the order of their keys. Rows must not be changed while it
// is used.
func (r *rows) Cursor() *cursor {
	c := &cursor{sources: make([]stand, 0, len(r.t.over)+1)}
	for _, l := range r.t.over {
		if m := &l.rows[r.of]; m.Len() > 0 {
			c.sources = append(c.sources, stand{walk: &layerWalk{it: m.Iter()}})
		}
	}
	c.sources = append(c.sources, stand{walk: &bucketWalk{c: r.bucket().Cursor(), of: r.of, b: r.bucket()}})
	return c
}

// cursor walks over several sorted sources as if they were one. Where several have a key, the
// first of them counts.
type cursor struct {
	sources []stand
	key     []byte // where it is; nil before the first row and after the last
	back    bool   // the sources stand at or before key, else at or after it
}

// stand is where one source stands.
type stand struct {
	walk  walk
	key   []byte
	value []byte // nil if the row was deleted
}

// walk is one sorted source. A key of nil says that there are no more.
type walk interface {
	seek(key []byte) (k, v []byte) // the first at or after key
	first() (k, v []byte)
	last() (k, v []byte)
	next() (k, v []byte)
	prev() (k, v []byte)
}

// Seek goes to the first row at or after key.
func (c *cursor) Seek(key []byte) (k, v []byte) {
	c.back = false
	for i := range c.sources {
		s := &c.sources[i]
		s.key, s.value = s.walk.seek(key)
	}
	return c.settle()
}

// First goes to the first row.
func (c *cursor) First() (k, v []byte) {
	c.back = false
	for i := range c.sources {
		s := &c.sources[i]
		s.key, s.value = s.walk.first()
	}
	return c.settle()
}

// Last goes to the last row.
func (c *cursor) Last() (k, v []byte) {
	c.back = true
	for i := range c.sources {
		s := &c.sources[i]
		s.key, s.value = s.walk.last()
	}
	return c.settle()
}

// Next goes to the row after the present one.
func (c *cursor) Next() (k, v []byte) { return c.step(false) }

// Prev goes to the row before the present one.
func (c *cursor) Prev() (k, v []byte) { return c.step(true) }

func (c *cursor) step(back bool) (k, v []byte) {
	if c.key == nil {
		return nil, nil
	}
	if c.back != back {
		c.turn(back)
	}
	c.pass()
	return c.settle()
}

// turn has all sources stand on the other side of the present row, or on it.
func (c *cursor) turn(back bool) {
	c.back = back
	at := bytes.Clone(c.key)
	for i := range c.sources {
		s := &c.sources[i]
		s.key, s.value = s.walk.seek(at)
		if !back || bytes.Equal(s.key, at) {
			continue
		}
		if s.key == nil {
			s.key, s.value = s.walk.last()
		} else {
			s.key, s.value = s.walk.prev()
		}
	}
}

// pass moves the sources that stand on the present row.
func (c *cursor) pass() {
	at := c.key
	for i := range c.sources {
		s := &c.sources[i]
		if s.key == nil || !bytes.Equal(s.key, at) {
			continue
		}
		if c.back {
			s.key, s.value = s.walk.prev()
		} else {
			s.key, s.value = s.walk.next()
		}
	}
}

// settle finds the next row among those at which the sources stand. Deleted rows are passed.
func (c *cursor) settle() (k, v []byte) {
	for {
		best := -1
		for i := range c.sources {
			s := &c.sources[i]
			if s.key == nil {
				continue
			}
			if best < 0 {
				best = i
				continue
			}
			if order := bytes.Compare(s.key, c.sources[best].key); order != 0 && (order < 0) != c.back {
				best = i
			}
		}
		if best < 0 {
			c.key = nil
			return nil, nil
		}
		s := &c.sources[best]
		c.key = s.key
		if s.value != nil {
			return s.key, s.value
		}
		c.pass()
	}
}
