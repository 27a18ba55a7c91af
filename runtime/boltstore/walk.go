package boltstore

import (
	"unsafe"

	"github.com/tidwall/btree"
	bolt "go.etcd.io/bbolt"
)

// layerWalk walks over one table of a layer.
type layerWalk struct {
	it btree.MapIter[string, []byte]
}

func (w *layerWalk) row(there bool) (k, v []byte) {
	if !there {
		return nil, nil
	}
	key := w.it.Key()
	return unsafe.Slice(unsafe.StringData(key), len(key)), w.it.Value()
}

func (w *layerWalk) seek(key []byte) (k, v []byte) { return w.row(w.it.Seek(text(key))) }
func (w *layerWalk) first() (k, v []byte)          { return w.row(w.it.First()) }
func (w *layerWalk) last() (k, v []byte)           { return w.row(w.it.Last()) }
func (w *layerWalk) next() (k, v []byte)           { return w.row(w.it.Next()) }
func (w *layerWalk) prev() (k, v []byte)           { return w.row(w.it.Prev()) }

// bucketWalk walks over the rows of a table in bbolt. In the bucket of the blobs, what has a
// bucket of its own is a blob, and everything else a count.
type bucketWalk struct {
	c  *bolt.Cursor
	b  *bolt.Bucket
	of table
}

// row passes what is not of the table.
func (w *bucketWalk) row(k, v []byte, step func() (k, v []byte)) ([]byte, []byte) {
	for k != nil {
		nested := v == nil && w.b.Bucket(k) != nil
		switch {
		case w.of == blobsTable && nested:
			return k, w.b.Bucket(k).Get(blobKey)
		case w.of != blobsTable && !nested:
			if v == nil {
				v = []byte{} // an empty row of another program: no deleted one
			}
			return k, v
		}
		k, v = step()
	}
	return nil, nil
}

func (w *bucketWalk) seek(key []byte) ([]byte, []byte) {
	k, v := w.c.Seek(key)
	return w.row(k, v, w.c.Next)
}

func (w *bucketWalk) first() ([]byte, []byte) {
	k, v := w.c.First()
	return w.row(k, v, w.c.Next)
}

func (w *bucketWalk) last() ([]byte, []byte) {
	k, v := w.c.Last()
	return w.row(k, v, w.c.Prev)
}

func (w *bucketWalk) next() ([]byte, []byte) {
	k, v := w.c.Next()
	return w.row(k, v, w.c.Next)
}

func (w *bucketWalk) prev() ([]byte, []byte) {
	k, v := w.c.Prev()
	return w.row(k, v, w.c.Prev)
}
