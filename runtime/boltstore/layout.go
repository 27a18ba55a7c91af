package boltstore

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// The buckets. Each row's value ends in a checksum over the bucket, the key
// and the value.
//
//	graphrun  the marker: what this file is
//	graphs    HASH 'd' → definition, HASH 's' → its text, HASH 'm' → its name
//	          and file, HASH 'n' → how many rows 'g' refer to it;
//	          HASH 'h' ID → one of its shapes, which records refer to
//	          HASH 'D', 'S', 'H' ID → SHA-256 of the blob with a part that is large
//	index     stack id → its number
//	stacks    NUMBER 'b' SEQ → head at a checkpoint
//	          NUMBER 'b' SEQ KIND … → what a row of the state held then, if it
//	          has changed since; or that there was none
//	          NUMBER 'e' HASH and NUMBER 'f' SEQ → event ids, in format 1 only
//	          NUMBER 'g' SEQ HASH → a graph is needed for the records from SEQ on
//	          NUMBER 'i' → identity
//	          NUMBER 'l' KEY INDEX → one element of a list of the state
//	          NUMBER 'o' KEY BASE NAME → one property of an object of the state, as
//	          an object of its own; BASE tells the object from earlier ones
//	          (of the cursor's questions: questions.go)
//	          NUMBER 'p' SEQ FORK → a fork, by its number, needs the checkpoint
//	          NUMBER 'q' OTHER SEQ → the stack is a fork and shares the checkpoint
//	          of another one (shared.go)
//	          NUMBER 's' KEY → a key's value that is stored whole
//	          NUMBER 't' → head: last record, keys of the state, cursor
//	          NUMBER 'u' -SEQ → the records of one commit, from SEQ on
//	          NUMBER 'u' -SEQ 'b' → the bulk of one record, where it is large
//	blobs     SHA-256 → a bucket with the value; SHA-256 'n' → its references
//	removed   NUMBER → stacks whose rows are still to be deleted
//	memories  's' NUMBER NAME → the number of a stack's memory; 'g' GRAPH 0 NAME →
//	          that of a graph's
//	          'v' NUMBER 'h' → where the memory stands
//	          'v' NUMBER 'i' SEQ → an item: its text and data, and its vector
//	          'v' NUMBER 'x' ID → the item's SEQ
//	kept      NAME → a small text
//
// All stacks share one tree with short keys, and what commits touch lies
// together, so that they write few pages: the end of a list, small values, the
// head, and the journal, newest first. A journal in its natural order would in time be
// cut from the head by the border between two pages; this way a new row always
// falls into the head's own page. Blobs have a bucket each because bbolt writes
// a page's neighbours along: a large value must not be one.
var (
	markerBucket  = []byte("graphrun")
	graphsBucket  = []byte("graphs")
	indexBucket   = []byte("index")
	stacksBucket  = []byte("stacks")
	blobsBucket   = []byte("blobs")
	removedBucket = []byte("removed")
	memoryBucket  = []byte("memories")
	keptBucket    = []byte("kept")
)

const (
	pointRow    = 'b'
	eventRow    = 'e'
	arrivalRow  = 'f'
	graphRow    = 'g'
	identityRow = 'i'
	elementRow  = 'l'
	propertyRow = 'o'
	valueRow    = 's'
	headRow     = 't'
	journalRow  = 'u'

	pinRow  = 'p'
	linkRow = 'q'
)

// outOfLine is the size from which a value becomes a blob: half a page, so
// that no leaf of the shared tree is much larger than a page.
const outOfLine = 2048

const (
	numberSize = 4
	sumSize    = 4
)

// stackNumber stands for a stack in keys. It is never used again.
type stackNumber uint32

func (n stackNumber) row(kind byte) []byte {
	return append(binary.BigEndian.AppendUint32(make([]byte, 0, 24), uint32(n)), kind)
}

// journal is the row of the commit whose first record is seq.
func (n stackNumber) journal(seq uint64) []byte {
	return binary.BigEndian.AppendUint64(n.row(journalRow), ^seq)
}

// bulkMark ends the key of a row with the bulk of a record.
const bulkMark = 'b'

// bulk is the row of what is large in one record.
func (n stackNumber) bulk(seq uint64) []byte { return append(n.journal(seq), bulkMark) }

// saved is where a checkpoint keeps what a row held; without a row, its head.
func (n stackNumber) saved(seq uint64, row []byte) []byte {
	key := binary.BigEndian.AppendUint64(n.row(pointRow), seq)
	return append(key, row[min(numberSize, len(row)):]...)
}

func (n stackNumber) value(key uint16) []byte {
	return binary.BigEndian.AppendUint16(n.row(valueRow), key)
}

// elements is what the rows of a list's elements begin with.
func (n stackNumber) elements(key uint16) []byte {
	return binary.BigEndian.AppendUint16(n.row(elementRow), key)
}

func (n stackNumber) element(key uint16, index uint64) []byte {
	return binary.BigEndian.AppendUint64(n.elements(key), index)
}

// properties is what the rows of an object's properties begin with.
func (n stackNumber) properties(key uint16, base uint64) []byte {
	b := binary.BigEndian.AppendUint16(n.row(propertyRow), key)
	return binary.BigEndian.AppendUint64(b, base)
}

// property is the row of one. A name as long as a hash, or longer, is hashed.
func (n stackNumber) property(key uint16, base uint64, name string) []byte {
	b := n.properties(key, base)
	if len(name) < sha256.Size {
		return append(b, name...)
	}
	sum := sha256.Sum256([]byte(name))
	return append(b, sum[:]...)
}

// Damage is a row that does not hold what was written: its checksum is wrong,
// or it is missing where another row says that it exists.
type Damage struct {
	Bucket string
	Key    []byte
	Stack  string // "" when the row belongs to none
	What   string
}

func (d *Damage) Error() string {
	text := fmt.Sprintf("damaged row %q in %q: %s", d.Key, d.Bucket, d.What)
	if d.Stack != "" {
		text = fmt.Sprintf("stack %q: %s", d.Stack, text)
	}
	return text
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(bucket, key, value []byte) uint32 {
	sum := crc32.Update(0, castagnoli, bucket)
	sum = crc32.Update(sum, castagnoli, key)
	return crc32.Update(sum, castagnoli, value)
}

// seal fills in the checksum for which row has kept its last sumSize bytes.
func seal(bucket, key, row []byte) []byte {
	body := row[:len(row)-sumSize]
	binary.LittleEndian.PutUint32(row[len(body):], checksum(bucket, key, body))
	return row
}

// sealed is a copy of value with its checksum.
func sealed(bucket, key, value []byte) []byte {
	row := append(make([]byte, 0, len(value)+sumSize), value...)
	return seal(bucket, key, append(row, make([]byte, sumSize)...))
}

// unseal checks a row and gives its value, a part of row. A row that is nil is
// missing.
func unseal(bucket, key, row []byte) ([]byte, error) {
	n := len(row) - sumSize
	switch {
	case row == nil:
		return nil, damage(bucket, key, "missing")
	case n < 0:
		return nil, damage(bucket, key, "too short for a checksum")
	case binary.LittleEndian.Uint32(row[n:]) != checksum(bucket, key, row[:n]):
		return nil, damage(bucket, key, "wrong checksum")
	}
	return row[:n], nil
}

func damage(bucket, key []byte, what string) *Damage {
	return &Damage{Bucket: string(bucket), Key: append([]byte(nil), key...), What: what}
}
