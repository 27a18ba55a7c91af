package boltstore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
)

// eventHash stands for an event's id in keys, whatever its length.
type eventHash [16]byte

// arrivalSize is the size of a row 'f': form, time, hash.
const arrivalSize = 1 + 8 + len(eventHash{})

func hashEvent(id string) eventHash {
	sum := sha256.Sum256([]byte(id))
	return eventHash(sum[:])
}

func (n stackNumber) event(h eventHash) []byte { return append(n.row(eventRow), h[:]...) }

func (n stackNumber) arrival(seq uint64) []byte {
	return binary.BigEndian.AppendUint64(n.row(arrivalRow), seq)
}

// Seen looks an event's id up. See runtime.Store.
func (s *Store) Seen(ctx context.Context, stack, id string) (seen bool, err error) {
	err = s.view(ctx, func(t *txn) error {
		n, err := t.find(stack)
		if err != nil {
			return ofStack(err, stack)
		}
		key := n.event(hashEvent(id))
		raw := t.stacks.Get(key)
		if raw == nil {
			return nil
		}
		seen = true
		_, err = unseal(stacksBucket, key, raw)
		return ofStack(err, stack)
	})
	return seen && err == nil, err
}

// writeEvents notes the ids of the events in a commit and forgets as many old
// ones, or two for each where there is something to catch up with.
func (c *commit) writeEvents(t *txn, n stackNumber, h *head) error {
	for i := range c.Records {
		r := &c.Records[i]
		b, ok := r.Body.(*journal.EventReceived)
		if !ok || b.ID == "" {
			continue
		}
		hash := hashEvent(b.ID)
		key := n.event(hash)
		if t.stacks.Get(key) != nil {
			continue
		}
		seq := binary.BigEndian.AppendUint64([]byte{inline}, r.Seq)
		if err := t.stacks.Put(key, sealed(stacksBucket, key, seq)); err != nil {
			return err
		}
		key = n.arrival(r.Seq)
		came := binary.BigEndian.AppendUint64([]byte{inline}, uint64(r.Time.UnixNano()))
		if err := t.stacks.Put(key, sealed(stacksBucket, key, append(came, hash[:]...))); err != nil {
			return err
		}
		t.writes += 2
		h.ids++
		for range 2 {
			if err := t.forgetEvent(n, h, r.Time.UnixNano()); err != nil {
				return err
			}
		}
	}
	return nil
}

// forgetEvent deletes the oldest id if it is old enough in both ways.
func (t *txn) forgetEvent(n stackNumber, h *head, now int64) error {
	if h.ids <= runtime.SeenLast {
		return nil
	}
	prefix := n.row(arrivalRow)
	key, raw := t.stacks.Cursor().Seek(prefix)
	if !bytes.HasPrefix(key, prefix) {
		return damage(stacksBucket, prefix, "missing")
	}
	v, err := unseal(stacksBucket, key, raw)
	if err == nil && len(v) != arrivalSize {
		err = damage(stacksBucket, key, "unknown form")
	}
	if err != nil || now-int64(binary.BigEndian.Uint64(v[1:])) <= int64(runtime.SeenFor) {
		return err
	}
	id := n.event(eventHash(v[1+8:]))
	t.writes += 2
	h.ids--
	if err := t.stacks.Delete(bytes.Clone(key)); err != nil {
		return err
	}
	return t.stacks.Delete(id)
}
