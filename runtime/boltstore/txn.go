package boltstore

import (
	"crypto/sha256"
	"encoding/binary"

	bolt "go.etcd.io/bbolt"
)

// txn is a view of the whole store, with its tables at hand: bbolt alone, or what the log has
// above it. What it puts and deletes goes to bbolt, or to a stage if it has one.
type txn struct {
	tx     *bolt.Tx // of a transaction with a stage, begun when first needed
	over   []*layer // the newest first
	stage  *stage
	heads  *heads // of the writer; else nil
	open   func() (*bolt.Tx, error)
	buf    []byte // of putHead
	index  *rows
	stacks *rows
	blobs  *rows // opened when first needed, as those that follow
	counts *rows
	graphs *rows
	memory *rows
	writes int // rows put and deleted so far

	shapes *shapes // those of the store, or else those that this transaction has read

	known  map[string]stackNumber // in place of the index, when parts of that are lost
	partly bool                   // not all rows are needed
}

// begin opens the tables that every transaction needs; they exist since the
// file was made.
func begin(tx *bolt.Tx, over ...*layer) (*txn, error) {
	t := &txn{tx: tx, over: over, shapes: &shapes{}}
	var err error
	if t.index, err = t.table(indexTable); err != nil {
		return nil, err
	}
	if t.stacks, err = t.table(stacksTable); err != nil {
		return nil, err
	}
	return t, nil
}

// table opens a table.
func (t *txn) table(of table) (*rows, error) {
	if t.open != nil {
		return &rows{t: t, of: of}, nil // all buckets were there when the file was opened
	}
	if b := t.tx.Bucket(of.bucket()); b != nil {
		return &rows{t: t, of: of, base: b}, nil
	}
	return nil, damage(of.bucket(), nil, "the bucket is missing")
}

// bolt is the transaction of bbolt.
func (t *txn) bolt() *bolt.Tx {
	if t.tx == nil {
		tx, err := t.open()
		if err != nil {
			panic(err) // bbolt is closed, which waits for the writer
		}
		t.tx = tx
	}
	return t.tx
}

// How a row of the stacks bucket holds its value.
const (
	inline = 0 // the value follows
	byHash = 1 // the SHA-256 of a blob follows
	noRow  = 2 // at a checkpoint: there was no such row
)

// row is a value made ready for the stacks bucket, both parts with room for
// their checksums.
type row struct {
	head []byte // tag and value, or tag and hash
	blob []byte // the value when it is out of line, else nil
}

// newRow makes a row of b, which starts with one byte for the tag, holds the
// value, and ends with sumSize bytes for the checksum. It keeps b.
func newRow(b []byte) row {
	value := b[1 : len(b)-sumSize]
	if len(value) < outOfLine {
		b[0] = inline
		return row{head: b}
	}
	hash := sha256.Sum256(value)
	ref := append(make([]byte, 0, 1+len(hash)+sumSize), byHash)
	ref = append(ref, hash[:]...)
	return row{head: append(ref, make([]byte, sumSize)...), blob: b[1:]}
}

// size is that of the value.
func (r row) size() int {
	if r.blob != nil {
		return len(r.blob) - sumSize
	}
	return len(r.head) - 1 - sumSize
}

func (r row) hash() []byte { return r.head[1 : 1+sha256.Size] }

// add puts a row where there is none.
func (t *txn) add(key []byte, r row) error {
	t.writes++
	if r.blob != nil {
		if err := t.keepBlob(r.hash(), r.blob); err != nil {
			return err
		}
	}
	return t.stacks.Put(key, seal(stacksBucket, key, r.head))
}

// replace puts a row of the state and lets go of what the key held before.
func (t *txn) replace(n stackNumber, h *head, key []byte, r row) error {
	old, err := t.letGo(n, h, key)
	if err != nil {
		return err
	}
	if err := t.add(key, r); err != nil || old == nil {
		return err
	}
	return t.dropBlob(old)
}

// remove deletes a row of the state and lets go of what it held.
func (t *txn) remove(n stackNumber, h *head, key []byte) error {
	old, err := t.letGo(n, h, key)
	if err != nil {
		return err
	}
	t.writes++
	if err := t.stacks.Delete(key); err != nil || old == nil {
		return err
	}
	return t.dropBlob(old)
}

// letGo prepares a row of the state for its end. What it held goes to the
// newest checkpoint when that has nothing of it yet, with its blob; else old is
// a copy of the blob's hash, or nil for none.
func (t *txn) letGo(n stackNumber, h *head, key []byte) (old []byte, err error) {
	raw := t.stacks.Get(key)
	if raw == nil {
		return nil, nil
	}
	if saved := t.unsaved(n, h, key); saved != nil {
		v, err := unseal(stacksBucket, key, raw)
		if err != nil {
			return nil, err
		}
		t.writes++
		h.moved += t.sizeOf(v)
		return nil, t.stacks.Put(saved, sealed(stacksBucket, saved, v))
	}
	return refOf(key, raw)
}

// sizeOf is how many bytes the value of a row has, wherever they are.
func (t *txn) sizeOf(v []byte) uint64 {
	if len(v) == 1+sha256.Size && v[0] == byHash && t.openBlobs() == nil {
		if b := t.blobs.Get(v[1:]); b != nil {
			return uint64(len(b))
		}
	}
	return uint64(len(v))
}

// keepAbsent lets the newest checkpoint know that a row of the state that is
// about to be added was not there.
func (t *txn) keepAbsent(n stackNumber, h *head, key []byte) error {
	saved := t.unsaved(n, h, key)
	if saved == nil {
		return nil
	}
	t.writes++
	return t.stacks.Put(saved, sealed(stacksBucket, saved, []byte{noRow}))
}

// unsaved is where the newest checkpoint keeps what a row of the state held;
// nil when there is no checkpoint, or it has something of the row.
func (t *txn) unsaved(n stackNumber, h *head, key []byte) []byte {
	if h.newest.seq == 0 {
		return nil
	}
	saved := n.saved(h.newest.seq, key)
	if t.stacks.Get(saved) != nil {
		return nil
	}
	return saved
}

func refOf(key, raw []byte) ([]byte, error) {
	v, err := unseal(stacksBucket, key, raw)
	if err != nil || len(v) != 1+sha256.Size || v[0] != byHash {
		return nil, err
	}
	return append([]byte(nil), v[1:]...), nil
}

// value is what a row of the stacks bucket holds; valid within the transaction.
func (t *txn) value(key []byte) ([]byte, error) {
	return t.valueOf(key, t.stacks.Get(key))
}

// valueOf is what a row holds; nil when it says that there was none.
func (t *txn) valueOf(key, raw []byte) ([]byte, error) {
	v, err := unseal(stacksBucket, key, raw)
	switch {
	case err != nil:
		return nil, err
	case len(v) > 0 && v[0] == inline:
		return v[1:], nil
	case len(v) == 1+sha256.Size && v[0] == byHash:
		return t.blob(v[1:])
	case len(v) == 1 && v[0] == noRow:
		return nil, nil
	}
	return nil, damage(stacksBucket, key, "unknown form")
}

var blobKey = []byte("v")

func countKey(hash []byte) []byte { return append(append(make([]byte, 0, 33), hash...), 'n') }

func (t *txn) openBlobs() (err error) {
	if t.blobs != nil {
		return nil
	}
	if t.counts, err = t.table(countsTable); err == nil {
		t.blobs, err = t.table(blobsTable)
	}
	return err
}

func (t *txn) blob(hash []byte) ([]byte, error) {
	if err := t.openBlobs(); err != nil {
		return nil, err
	}
	raw := t.blobs.Get(hash)
	if raw == nil {
		return nil, damage(blobsBucket, hash, "missing")
	}
	return unseal(hash, blobKey, raw)
}

// keepBlob writes a blob that is new, and counts one more reference to one
// that is there.
func (t *txn) keepBlob(hash, value []byte) error {
	n, err := t.references(hash)
	if err != nil {
		return err
	}
	if n == 0 {
		if err := t.blobs.Put(hash, seal(hash, blobKey, value)); err != nil {
			return err
		}
	}
	return t.setReferences(hash, n+1)
}

// dropBlob takes a reference back and deletes a blob that has none left.
func (t *txn) dropBlob(hash []byte) error {
	n, err := t.references(hash)
	if err != nil {
		return err
	}
	if n > 1 {
		return t.setReferences(hash, n-1)
	}
	if n == 0 {
		return damage(blobsBucket, hash, "no references are left to take back")
	}
	if t.blobs.Get(hash) == nil {
		return damage(blobsBucket, hash, "missing")
	}
	t.writes++
	if err := t.blobs.Delete(hash); err != nil {
		return err
	}
	return t.counts.Delete(countKey(hash))
}

func (t *txn) references(hash []byte) (uint64, error) {
	if err := t.openBlobs(); err != nil {
		return 0, err
	}
	key := countKey(hash)
	raw := t.counts.Get(key)
	if raw == nil {
		return 0, nil
	}
	v, err := unseal(blobsBucket, key, raw)
	if err != nil {
		return 0, err
	}
	if len(v) != 8 {
		return 0, damage(blobsBucket, key, "unknown form")
	}
	return binary.BigEndian.Uint64(v), nil
}

func (t *txn) setReferences(hash []byte, n uint64) error {
	t.writes++
	key := countKey(hash)
	return t.counts.Put(key, sealed(blobsBucket, key, binary.BigEndian.AppendUint64(nil, n)))
}

// number finds a stack in the index.
func (t *txn) number(stack string) (n stackNumber, found bool, err error) {
	if t.known != nil {
		n, found = t.known[stack]
		return n, found, nil
	}
	if t.heads != nil {
		if n, found := t.heads.numbers[stack]; found {
			return n, true, nil
		}
	}
	key := []byte(stack)
	raw := t.index.Get(key)
	if raw == nil {
		return 0, false, nil
	}
	v, err := unseal(indexBucket, key, raw)
	if err == nil && len(v) != numberSize {
		err = damage(indexBucket, key, "unknown form")
	}
	if err != nil {
		return 0, false, err
	}
	n = stackNumber(binary.BigEndian.Uint32(v))
	if t.heads != nil {
		t.heads.number(stack, n)
	}
	return n, true, nil
}

// head reads a stack's head.
func (t *txn) head(n stackNumber) (head, error) {
	if t.heads != nil {
		if h := t.heads.all[n]; h != nil {
			return *h, nil
		}
	}
	return t.headAt(n.row(headRow))
}

// headAt reads a head, of now or of a checkpoint.
func (t *txn) headAt(key []byte) (head, error) {
	v, err := unseal(stacksBucket, key, t.stacks.Get(key))
	if err != nil {
		return head{}, err
	}
	h, err := parseHead(v)
	if err != nil {
		return head{}, damage(stacksBucket, key, err.Error())
	}
	return h, nil
}
