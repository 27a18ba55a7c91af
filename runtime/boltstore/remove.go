package boltstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
)

// removeSlice is how many rows of a removed stack one transaction deletes:
// other stacks' commits come in between.
const removeSlice = 500

// Remove takes a stack out of the index in one transaction; from then on it is
// gone, and Remove has succeeded. Its rows are deleted in slices; what a crash or
// a full disk leaves of them, the next Remove or Open deletes.
func (s *Store) Remove(ctx context.Context, stack string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := s.submit(true, func(t *txn) error {
		n, err := t.find(stack)
		if err != nil {
			return ofStack(err, stack)
		}
		b, err := bucket(t.tx, removedBucket)
		if err != nil {
			return err
		}
		t.writes++
		if err := t.index.Delete([]byte(stack)); err != nil {
			return err
		}
		key := binary.BigEndian.AppendUint32(nil, uint32(n))
		return b.Put(key, sealed(removedBucket, key, []byte(stack)))
	})
	if err != nil {
		return err
	}
	_ = s.sweep(ctx) // a failure that lasts is that of the next command
	return nil
}

// sweep deletes the rows of removed stacks. When ctx ends, the next sweep continues.
func (s *Store) sweep(ctx context.Context) error {
	for more := true; more && ctx.Err() == nil; {
		more = false
		err := s.view(ctx, func(t *txn) error {
			b, err := bucket(t.tx, removedBucket)
			if err != nil {
				return err
			}
			key, _ := b.Cursor().First()
			more = key != nil
			return nil
		})
		if err != nil || !more {
			return err
		}
		if err := s.submit(false, sweepSlice); err != nil {
			return err
		}
	}
	return nil
}

// sweepSlice deletes some rows of the first removed stack, and its entry with
// the last.
func sweepSlice(t *txn) error {
	b, err := bucket(t.tx, removedBucket)
	if err != nil {
		return err
	}
	entry, raw := b.Cursor().First()
	if entry == nil {
		return nil
	}
	if _, err := unseal(removedBucket, entry, raw); err != nil {
		return err // whose rows these are is not known
	}
	entry = bytes.Clone(entry)
	var keys [][]byte
	c := t.stacks.Cursor()
	for key, _ := c.Seek(entry); bytes.HasPrefix(key, entry) && len(keys) < removeSlice; key, _ = c.Next() {
		keys = append(keys, bytes.Clone(key))
	}
	for _, key := range keys {
		if err := t.discard(key); err != nil {
			return err
		}
	}
	if len(keys) == removeSlice {
		return nil
	}
	done, err := t.sweepMemories(stackNumber(binary.BigEndian.Uint32(entry)))
	if err != nil || !done {
		return err
	}
	t.writes++
	return b.Delete(entry)
}

// discard deletes a row as well as it can: what a damaged row referred to
// stays behind, rather than the stack's other rows.
func (t *txn) discard(key []byte) error {
	raw := t.stacks.Get(key)
	hash, err := refOf(key, raw)
	if u, ok := parseGraphUse(key); ok && err == nil {
		t.writes++
		if err := t.stacks.Delete(key); err != nil {
			return err
		}
		return t.countGraph(u.hash, -1)
	}
	t.writes++
	if err := t.stacks.Delete(key); err != nil {
		return err
	}
	if err != nil || hash == nil {
		return nil
	}
	if n, err := t.references(hash); err != nil || n == 0 {
		return nil
	}
	var d *Damage
	if err := t.dropBlob(hash); !errors.As(err, &d) {
		return err
	}
	return nil
}
