package boltstore

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"slices"
)

// A fork shares the state of the stack that it was forked from: a key that it has not
// changed is in the rows of that stack, as they were at one of its checkpoints. The first
// change of a key stores it as the fork's own, whole. A key of the other stack that it
// shares itself is shared with the stack whose rows they are, so there is never a chain.
//
// Two rows tie them together. The pin, of the stack whose rows they are, keeps the checkpoint
// readable for as long as the fork needs it, also when the stack is removed. The link, of the
// fork, leads to the pin.

// source is a state of another stack that keys are shared with; the zero source is none.
type source struct {
	of stackNumber
	at uint64 // the checkpoint
}

func (n stackNumber) pins() []byte { return n.row(pinRow) }

// pin says that a fork needs a checkpoint.
func (n stackNumber) pin(at uint64, fork stackNumber) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(n.pins(), at), uint32(fork))
}

func (n stackNumber) links() []byte { return n.row(linkRow) }

// link says that a fork shares rows.
func (n stackNumber) link(s source) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(n.links(), uint32(s.of)), s.at)
}

// parseLink reads the key of a link.
func parseLink(key []byte) (n stackNumber, s source, ok bool) {
	const fixed = numberSize + 1
	if len(key) != fixed+numberSize+8 || key[numberSize] != linkRow {
		return 0, source{}, false
	}
	rest := key[fixed:]
	s = source{stackNumber(binary.BigEndian.Uint32(rest)), binary.BigEndian.Uint64(rest[numberSize:])}
	return stackNumber(binary.BigEndian.Uint32(key)), s, true
}

// parsePin reads the key of a pin: the fork, and what it shares.
func parsePin(key []byte) (n stackNumber, s source, ok bool) {
	const fixed = numberSize + 1
	if len(key) != fixed+8+numberSize || key[numberSize] != pinRow {
		return 0, source{}, false
	}
	s = source{stackNumber(binary.BigEndian.Uint32(key)), binary.BigEndian.Uint64(key[fixed:])}
	return stackNumber(binary.BigEndian.Uint32(key[fixed+8:])), s, true
}

// share ties a fork to what it shares.
func (t *txn) share(n stackNumber, s source) error {
	link := n.link(s)
	if s.of == 0 || t.stacks.Get(link) != nil {
		return nil
	}
	for _, key := range [][]byte{link, s.of.pin(s.at, n)} {
		t.writes++
		if err := t.stacks.Put(key, sealed(stacksBucket, key, []byte{inline})); err != nil {
			return err
		}
	}
	return nil
}

// unshare takes a tie back by the key of its link. What the other stack has kept for it goes
// with later commits of that stack; when it is removed, with the next sweep.
func (t *txn) unshare(link []byte) error {
	n, s, ok := parseLink(link)
	if !ok {
		return nil
	}
	for _, key := range [][]byte{bytes.Clone(link), s.of.pin(s.at, n)} {
		t.writes++
		if err := t.stacks.Delete(key); err != nil {
			return err
		}
	}
	key := s.of.row(headRow)
	if t.stacks.Get(key) == nil {
		return nil // it is removed
	}
	h, err := t.head(s.of)
	if err != nil || len(h.points) == 0 {
		return nil // a damaged head is the trouble of its own stack
	}
	h.stale = true
	return t.putHead(s.of, &h)
}

func (t *txn) putHead(n stackNumber, h *head) error {
	t.writes++
	key := n.row(headRow)
	t.buf = h.append(t.buf[:0])
	if t.heads == nil {
		row := t.buf
		t.buf = nil // bbolt keeps it
		return t.stacks.Put(key, seal(stacksBucket, key, row))
	}
	t.heads.note(n, h)
	return t.stacks.Put(key, seal(stacksBucket, key, t.buf))
}

// pinned lists the checkpoints that forks need, in their order.
func (t *txn) pinned(n stackNumber) (list []uint64) {
	prefix := n.pins()
	c := t.stacks.Cursor()
	for key, _ := c.Seek(prefix); bytes.HasPrefix(key, prefix); key, _ = c.Next() {
		if len(key) != len(prefix)+8+numberSize {
			continue
		}
		if at := binary.BigEndian.Uint64(key[len(prefix):]); len(list) == 0 || list[len(list)-1] != at {
			list = append(list, at)
		}
	}
	return list
}

// sharedBy lists the links of a fork.
func (t *txn) sharedBy(n stackNumber) (links [][]byte) {
	prefix := n.links()
	c := t.stacks.Cursor()
	for key, _ := c.Seek(prefix); bytes.HasPrefix(key, prefix); key, _ = c.Next() {
		links = append(links, bytes.Clone(key))
	}
	return links
}

// dropShares takes back the ties of a fork that no key needs any more, of its state or of
// its checkpoints.
func (t *txn) dropShares(n stackNumber, h *head) error {
	links := t.sharedBy(n)
	if len(links) == 0 {
		return nil
	}
	needed := map[source]bool{}
	note := func(h *head) {
		for _, k := range h.keys {
			needed[k.source] = true
		}
	}
	note(h)
	points, err := t.seqsFrom(n, 0)
	if err != nil {
		return err
	}
	for _, seq := range points {
		if t.stacks.Get(n.saved(seq, nil)) == nil {
			continue // what is left of a checkpoint that is gone
		}
		then, err := t.headAt(n.saved(seq, nil))
		if err != nil {
			return err
		}
		note(&then)
	}
	for _, link := range links {
		if _, s, ok := parseLink(link); ok && !needed[s] {
			if err := t.unshare(link); err != nil {
				return err
			}
		}
	}
	return nil
}

// at is where the rows of a key are, and the checkpoints that tell how they were, given those
// of the stack itself.
func (t *txn) at(n stackNumber, k stateKey, points []uint64) (stackNumber, []uint64, error) {
	if k.source.of == 0 {
		return n, points, nil
	}
	if k.source.at == present {
		return k.source.of, nil, nil
	}
	points, err := t.seqsFrom(k.source.of, k.source.at)
	if err == nil && (len(points) == 0 || points[0] != k.source.at) {
		err = damage(stacksBucket, k.source.of.saved(k.source.at, nil), "a checkpoint that is shared is missing")
	}
	return k.source.of, points, err
}

// own makes a key that is shared one without rows, of the stack itself.
func (h *head) own(k *stateKey) {
	k.number = h.freeNumber()
	k.source, k.form, k.base, k.size = source{}, asOne, 0, 0
}

// ownRows copies the rows of a key that is shared, which is the stack's own then.
func (t *txn) ownRows(n stackNumber, h *head, k *stateKey) error {
	from := *k
	of, points, err := t.at(n, from, nil)
	if err != nil {
		return err
	}
	h.own(k)
	k.form, k.base, k.size = from.form, from.base, from.size
	prefix, to := of.value(from.number), n.value(k.number)
	switch from.form {
	case byElement:
		prefix, to = of.elements(from.number), n.elements(k.number)
	case byProperty:
		prefix, to = of.properties(from.number, from.base), n.properties(k.number, k.base)
	}
	type found struct{ rest, v []byte }
	var rows []found
	wanted := func(rest []byte) bool {
		return from.form != byElement || len(rest) == 8 && binary.BigEndian.Uint64(rest)-from.base < from.size
	}
	err = t.eachRaw(of, prefix, points, wanted, func(key, rest, raw []byte) error {
		v, err := unseal(stacksBucket, key, raw)
		if err == nil && !(len(v) == 1 && v[0] == noRow) {
			rows = append(rows, found{bytes.Clone(rest), bytes.Clone(v)})
		}
		return err
	})
	if err != nil {
		return err
	}
	if want := k.rows(); uint64(len(rows)) != want {
		return damage(stacksBucket, prefix, "rows that are shared are missing")
	}
	for _, r := range rows {
		if err := t.putRaw(append(slices.Clone(to), r.rest...), r.v); err != nil {
			return err
		}
	}
	return nil
}

// putRaw puts a row with what another one holds. A blob gets one more reference.
func (t *txn) putRaw(key, v []byte) error {
	t.writes++
	if len(v) == 1+sha256.Size && v[0] == byHash {
		hash := v[1:]
		count, err := t.references(hash)
		if err == nil && count == 0 {
			err = damage(blobsBucket, hash, "missing")
		}
		if err == nil {
			err = t.setReferences(hash, count+1)
		}
		if err != nil {
			return err
		}
	}
	return t.stacks.Put(key, sealed(stacksBucket, key, v))
}

// rows is how many rows a key has.
func (k *stateKey) rows() uint64 {
	if k.form == asOne {
		return 1
	}
	return k.size
}

// freeNumber is a number that no key of the stack has.
func (h *head) freeNumber() (next uint16) {
	for _, k := range h.keys {
		if k.source.of == 0 {
			next = max(next, k.number+1)
		}
	}
	return next
}

// seqsFrom finds the checkpoints from one on, also what is left of those that are gone, by
// the last record before them.
func (t *txn) seqsFrom(n stackNumber, from uint64) ([]uint64, error) {
	var list []uint64
	prefix := n.row(pointRow)
	c := t.stacks.Cursor()
	for key, _ := c.Seek(n.saved(from, nil)); bytes.HasPrefix(key, prefix); key, _ = c.Seek(n.saved(from, nil)) {
		if len(key) < len(prefix)+8 {
			return nil, damage(stacksBucket, key, "unknown form")
		}
		seq := binary.BigEndian.Uint64(key[len(prefix):])
		list = append(list, seq)
		from = seq + 1
	}
	return list, nil
}

// dropSaved deletes a row of a checkpoint that is gone. Where forks need an earlier
// checkpoint, what the row held goes there, unless that one knows better.
func (t *txn) dropSaved(n stackNumber, key []byte, pins []uint64) error {
	prefix := n.row(pointRow)
	seq := binary.BigEndian.Uint64(key[len(prefix):])
	rest := key[len(prefix)+8:]
	i, _ := slices.BinarySearch(pins, seq)
	if i == 0 || len(rest) == 0 {
		return t.discard(key)
	}
	to := append(n.saved(pins[i-1], nil), rest...)
	if t.stacks.Get(to) != nil {
		return t.discard(key)
	}
	v, err := unseal(stacksBucket, key, t.stacks.Get(key))
	if err != nil {
		return t.discard(key)
	}
	t.writes++
	if err := t.stacks.Put(to, sealed(stacksBucket, to, v)); err != nil {
		return err
	}
	return t.stacks.Delete(key)
}

// keepsForForks says which rows of a removed stack its forks may need.
func keepsForForks(kind byte) bool {
	return bytes.IndexByte([]byte{pointRow, elementRow, propertyRow, valueRow, pinRow}, kind) >= 0
}
