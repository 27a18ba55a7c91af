package boltstore

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/runtime"
)

// memoryNumber stands for a memory in keys. It is never used again.
type memoryNumber uint32

// What the keys of memories begin with, and what follows the number of one. Rows come
// behind all that lead to them.
const (
	graphScope = 'g'
	stackScope = 's'
	memoryRow  = 'v'

	memoryHeadRow = 'h'
	memoryItemRow = 'i'
	memoryIDRow   = 'x'
)

func (n memoryNumber) all() []byte {
	return binary.BigEndian.AppendUint32(append(make([]byte, 0, 24), memoryRow), uint32(n))
}

func (n memoryNumber) head() []byte  { return append(n.all(), memoryHeadRow) }
func (n memoryNumber) items() []byte { return append(n.all(), memoryItemRow) }

func (n memoryNumber) item(seq uint64) []byte {
	return binary.BigEndian.AppendUint64(n.items(), seq)
}

// id is the row of an item's id. One as long as a hash, or longer, is hashed.
func (n memoryNumber) id(id string) []byte {
	b := append(n.all(), memoryIDRow)
	if len(id) < sha256.Size {
		return append(b, id...)
	}
	sum := sha256.Sum256([]byte(id))
	return append(b, sum[:]...)
}

// stackMemories is what the rows begin with that lead to a stack's own memories.
func stackMemories(n stackNumber) []byte {
	return binary.BigEndian.AppendUint32([]byte{stackScope}, uint32(n))
}

// memoryFill is how full pages become: items are added behind one another.
const memoryFill = 0.9

// memories is the bucket, or nil in a file of an older format that is only read.
func (t *txn) memories() *rows {
	if t.memory == nil && t.open != nil {
		t.memory = &rows{t: t, of: memoryTable}
	}
	if t.memory == nil {
		if b := t.tx.Bucket(memoryBucket); b != nil {
			b.FillPercent = memoryFill
			t.memory = &rows{t: t, of: memoryTable, base: b}
		}
	}
	return t.memory
}

// scopeKey is the row that leads to a memory.
func (t *txn) scopeKey(ref journal.MemoryRef) ([]byte, error) {
	if ref.Stack == "" {
		return append(append([]byte{graphScope}, ref.Graph...), "\x00"+ref.Name...), nil
	}
	n, err := t.find(ref.Stack)
	return append(stackMemories(n), ref.Name...), err
}

// memoryNumber finds a memory; false for one that was never written to.
func (t *txn) memoryNumber(ref journal.MemoryRef) (memoryNumber, bool, error) {
	key, err := t.scopeKey(ref)
	if err != nil || t.memories() == nil {
		return 0, false, err
	}
	raw := t.memory.Get(key)
	if raw == nil {
		return 0, false, nil
	}
	n, err := numberOf(key, raw)
	return n, err == nil, err
}

func numberOf(key, raw []byte) (memoryNumber, error) {
	v, err := unseal(memoryBucket, key, raw)
	if err == nil && len(v) != numberSize {
		err = damage(memoryBucket, key, "unknown form")
	}
	if err != nil {
		return 0, err
	}
	return memoryNumber(binary.BigEndian.Uint32(v)), nil
}

func (t *txn) memoryHead(n memoryNumber) (s journal.MemoryState, err error) {
	key := n.head()
	v, err := unseal(memoryBucket, key, t.memories().Get(key))
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(v, &s); err != nil {
		return s, damage(memoryBucket, key, err.Error())
	}
	return s, nil
}

func (t *txn) putMemoryHead(n memoryNumber, s *journal.MemoryState) error {
	v, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return t.putMemoryRow(n.head(), v)
}

func (t *txn) putMemoryRow(key, v []byte) error {
	t.writes++
	return t.memories().Put(key, sealed(memoryBucket, key, v))
}

func (t *txn) dropMemoryRow(key []byte) error {
	t.writes++
	return t.memories().Delete(key)
}

// newMemory makes a memory without items.
func (t *txn) newMemory(scope []byte) (memoryNumber, error) {
	t.writes++
	next, err := t.memories().NextSequence()
	if err == nil && next != uint64(uint32(next)) {
		err = fmt.Errorf("runtime: the store has no numbers of memories left")
	}
	if err != nil {
		return 0, err
	}
	return memoryNumber(next), t.putMemoryRow(scope, binary.BigEndian.AppendUint32(nil, uint32(next)))
}

// rows are the items of a memory within a transaction.
type memoryRows struct {
	*txn
	n memoryNumber
}

var _ runtime.MemoryRows = memoryRows{}

// Find returns the Seq of the item with an id.
func (r memoryRows) Find(id string) (uint64, error) {
	key := r.n.id(id)
	raw := r.memories().Get(key)
	if raw == nil {
		return 0, nil
	}
	v, err := unseal(memoryBucket, key, raw)
	if err == nil && len(v) != 8 {
		err = damage(memoryBucket, key, "unknown form")
	}
	if err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint64(v), nil
}

// Next returns the Seq of the oldest item at or after seq.
func (r memoryRows) Next(seq uint64) (uint64, error) {
	prefix := r.n.items()
	key, _ := r.memories().Cursor().Seek(r.n.item(seq))
	if !bytes.HasPrefix(key, prefix) || len(key) != len(prefix)+8 {
		return 0, nil
	}
	return binary.BigEndian.Uint64(key[len(prefix):]), nil
}

// Get returns an item by its Seq.
func (r memoryRows) Get(seq uint64) (journal.MemoryItem, bool, error) {
	key := r.n.item(seq)
	raw := r.memories().Get(key)
	if raw == nil {
		return journal.MemoryItem{}, false, nil
	}
	it, err := memoryItem(key, bytes.Clone(raw))
	return it, err == nil, err
}

// Put adds an item, or replaces the one with its Seq.
func (r memoryRows) Put(it journal.MemoryItem) error {
	if err := r.putMemoryRow(r.n.id(it.ID), binary.BigEndian.AppendUint64(nil, it.Seq)); err != nil {
		return err
	}
	return r.putMemoryRow(r.n.item(it.Seq), appendMemoryItem(nil, &it))
}

// Drop deletes an item.
func (r memoryRows) Drop(seq uint64) error {
	it, found, err := r.Get(seq)
	if err == nil && !found {
		err = damage(memoryBucket, r.n.item(seq), "missing")
	}
	if err != nil {
		return err
	}
	if err := r.dropMemoryRow(r.n.id(it.ID)); err != nil {
		return err
	}
	return r.dropMemoryRow(r.n.item(seq))
}

// appendMemoryItem writes all of an item but its Seq, which is in the key.
func appendMemoryItem(b []byte, it *journal.MemoryItem) []byte {
	b = binary.AppendUvarint(b, it.Epoch)
	for _, text := range []string{it.ID, it.Text} {
		b = binary.AppendUvarint(b, uint64(len(text)))
		b = append(b, text...)
	}
	var data []byte
	if it.Data != nil {
		data = value.Append(nil, it.Data)
	}
	b = binary.AppendUvarint(b, uint64(len(data)))
	return append(append(b, data...), it.Vector...)
}

// memoryItem reads the row of an item. The vector is a part of raw.
func memoryItem(key, raw []byte) (it journal.MemoryItem, err error) {
	v, err := unseal(memoryBucket, key, raw)
	if err != nil {
		return it, err
	}
	it.Seq = binary.BigEndian.Uint64(key[len(key)-8:])
	r := headReader{rest: v}
	it.Epoch = r.uvarint()
	it.ID, it.Text = string(r.take(r.uvarint())), string(r.take(r.uvarint()))
	if data := r.take(r.uvarint()); len(data) > 0 && !r.bad {
		if it.Data, err = value.Decode(data); err != nil {
			return it, damage(memoryBucket, key, err.Error())
		}
	}
	if r.bad || it.ID == "" || len(r.rest)%4 != 0 {
		return it, damage(memoryBucket, key, "not an item")
	}
	if len(r.rest) > 0 {
		it.Vector = r.rest[:len(r.rest):len(r.rest)]
	}
	return it, nil
}
