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
		b, err := t.table(removedTable)
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
	s.ends.note(stack, false)
	_ = s.sweep(ctx) // a failure that lasts is that of the next command
	return nil
}

// sweep deletes the rows of removed stacks. When ctx ends, the next sweep continues.
func (s *Store) sweep(ctx context.Context) error {
	for more := true; more && ctx.Err() == nil; {
		more = false
		err := s.view(ctx, func(t *txn) error {
			b, err := t.table(removedTable)
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
		err = s.submit(false, func(t *txn) error {
			before := t.writes
			err := sweepSlice(t)
			more = t.writes != before // else all that is left is what forks need
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// sweepSlice deletes some rows of a removed stack, and its entry with the last. What forks
// share of a stack stays until they need it no more.
func sweepSlice(t *txn) error {
	b, err := t.table(removedTable)
	if err != nil {
		return err
	}
	c := b.Cursor()
	for entry, raw := c.First(); entry != nil; entry, raw = c.Next() {
		if _, err := unseal(removedBucket, entry, raw); err != nil {
			return err // whose rows these are is not known
		}
		before := t.writes
		done, err := t.sweepStack(stackNumber(binary.BigEndian.Uint32(entry)))
		if err != nil {
			return err
		}
		if done {
			t.writes++
			return b.Delete(bytes.Clone(entry))
		}
		if t.writes != before {
			return nil
		}
	}
	return nil
}

// sweepStack deletes some rows of a removed stack. done: none is left.
func (t *txn) sweepStack(n stackNumber) (done bool, err error) {
	prefix := n.row(0)[:numberSize]
	shared := len(t.pinned(n)) > 0
	var keys [][]byte
	c := t.stacks.Cursor()
	for key, _ := c.Seek(prefix); bytes.HasPrefix(key, prefix) && len(keys) < removeSlice; {
		if kind := key[numberSize]; shared && keepsForForks(kind) {
			key, _ = c.Seek(n.row(kind + 1))
			continue
		}
		keys = append(keys, bytes.Clone(key))
		key, _ = c.Next()
	}
	for _, key := range keys {
		if err := t.discard(key); err != nil {
			return false, err
		}
	}
	if len(keys) == removeSlice {
		return false, nil
	}
	swept, err := t.sweepMemories(n)
	return swept && !shared, err
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
	if _, _, ok := parseLink(key); ok {
		return t.unshare(key)
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
