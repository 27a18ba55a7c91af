package boltstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
)

// memorySlice is about how many bytes of items are read in one transaction.
const memorySlice = 4 << 20

// Memory reads the items of a memory in slices, so that no transaction stays open while
// item works.
func (s *Store) Memory(ctx context.Context, ref journal.MemoryRef, after uint64, item func(journal.MemoryItem) error) (journal.MemoryState, error) {
	var state, first journal.MemoryState
	type row struct{ key, raw []byte }
	var slice []row
	for begun, more := false, true; more; begun = true {
		slice, more = slice[:0], false
		err := s.view(ctx, func(t *txn) error {
			n, found, err := t.memoryNumber(ref)
			if err != nil || !found {
				return ofStack(err, ref.Stack)
			}
			if state, err = t.memoryHead(n); err != nil {
				return ofStack(err, ref.Stack)
			}
			state.ID = fmt.Sprintf("%s/%d", s.opened, n)
			if begun && state.ID != first.ID {
				return fmt.Errorf("%w: memory %q", runtime.ErrNotFound, ref.Name)
			}
			prefix, size := n.items(), 0
			c := t.memories().Cursor()
			for key, raw := c.Seek(n.item(after + 1)); bytes.HasPrefix(key, prefix); key, raw = c.Next() {
				if more = size > memorySlice; more {
					break
				}
				after = binary.BigEndian.Uint64(key[len(key)-8:])
				slice, size = append(slice, row{bytes.Clone(key), bytes.Clone(raw)}), size+len(raw)
			}
			return nil
		})
		if err != nil {
			return journal.MemoryState{}, err
		}
		if !begun {
			first = state
		}
		for _, r := range slice {
			it, err := memoryItem(r.key, r.raw)
			if err != nil {
				return journal.MemoryState{}, s.wrap(ofStack(err, ref.Stack))
			}
			if it.Epoch != state.Epoch {
				it.Vector = nil
			}
			if err := item(it); err != nil {
				return journal.MemoryState{}, err
			}
		}
	}
	state.Deletes = first.Deletes
	return state, nil
}

// Reembed gives items other vectors.
func (s *Store) Reembed(ctx context.Context, ref journal.MemoryRef, model string, items []journal.MemoryItem) (changed int, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	count := 0
	err = s.submit(false, func(t *txn) error {
		n, found, err := t.memoryNumber(ref)
		if err != nil {
			return err
		}
		if !found { // what is wrong with the items is an error all the same
			count, err = runtime.ReembedMemory(&journal.MemoryState{}, memoryRows{t, 0}, model, items)
			return err
		}
		state, err := t.memoryHead(n)
		if err != nil {
			return err
		}
		if count, err = runtime.ReembedMemory(&state, memoryRows{t, n}, model, items); err != nil {
			return err
		}
		return t.putMemoryHead(n, &state)
	})
	if err != nil {
		return 0, ofStack(err, ref.Stack)
	}
	return count, nil
}

// writeMemories applies what a commit does to memories.
func (c *commit) writeMemories(t *txn) error {
	for _, m := range c.Memory {
		n, found, err := t.memoryNumber(m.Ref)
		if err != nil {
			return err
		}
		var state journal.MemoryState
		if !found {
			key, err := t.scopeKey(m.Ref)
			if err == nil {
				n, err = t.newMemory(key)
			}
			if err != nil {
				return err
			}
		} else if state, err = t.memoryHead(n); err != nil {
			return err
		}
		if err := runtime.ChangeMemory(&state, memoryRows{t, n}, m); err != nil {
			return err
		}
		if err := t.putMemoryHead(n, &state); err != nil {
			return err
		}
	}
	return nil
}

// copyMemories gives a new stack copies of the memories of another one.
func (c *commit) copyMemories(t *txn, to stackNumber) error {
	from, err := t.find(c.MemoriesOf)
	if err != nil {
		return err
	}
	scopes, err := t.memoriesOf(from)
	for _, s := range scopes {
		var n memoryNumber
		if n, err = t.newMemory(append(stackMemories(to), s.name...)); err != nil {
			break
		}
		if err = t.copyMemory(t, s.number, n); err != nil {
			break
		}
	}
	return err
}

// copyMemory copies all rows of a memory, of another store too.
func (t *txn) copyMemory(src *txn, from, to memoryNumber) error {
	const slice = 500
	type row struct{ key, v []byte }
	prefix, next := from.all(), from.all()
	for next != nil {
		var rows []row
		c := src.memories().Cursor()
		key, raw := c.Seek(next)
		for ; bytes.HasPrefix(key, prefix) && len(rows) < slice; key, raw = c.Next() {
			v, err := unseal(memoryBucket, key, raw)
			if err != nil {
				return err
			}
			rows = append(rows, row{append(to.all(), key[len(prefix):]...), bytes.Clone(v)})
		}
		if next = nil; bytes.HasPrefix(key, prefix) {
			next = bytes.Clone(key)
		}
		for _, r := range rows {
			if err := t.putMemoryRow(r.key, r.v); err != nil {
				return err
			}
		}
	}
	return nil
}

// ownMemory is a memory of a stack.
type ownMemory struct {
	scope  []byte // the row that leads to it
	name   string
	number memoryNumber
}

// memoriesOf lists the memories of a stack.
func (t *txn) memoriesOf(n stackNumber) (list []ownMemory, err error) {
	if t.memories() == nil {
		return nil, nil
	}
	prefix := stackMemories(n)
	c := t.memory.Cursor()
	for key, raw := c.Seek(prefix); bytes.HasPrefix(key, prefix); key, raw = c.Next() {
		number, err := numberOf(key, raw)
		if err != nil {
			return nil, err
		}
		list = append(list, ownMemory{bytes.Clone(key), string(key[len(prefix):]), number})
	}
	return list, nil
}

// sweepMemories deletes some rows of the memories of a removed stack; done says that none
// are left. Rows of a memory to which nothing sound leads stay behind.
func (t *txn) sweepMemories(n stackNumber) (done bool, err error) {
	if t.memories() == nil {
		return true, nil
	}
	prefix := stackMemories(n)
	scope, raw := t.memory.Cursor().Seek(prefix)
	if !bytes.HasPrefix(scope, prefix) {
		return true, nil
	}
	scope = bytes.Clone(scope)
	number, err := numberOf(scope, raw)
	if err != nil {
		return false, t.dropMemoryRow(scope)
	}
	var keys [][]byte
	rows := number.all()
	c := t.memory.Cursor()
	for key, _ := c.Seek(rows); bytes.HasPrefix(key, rows) && len(keys) < removeSlice; key, _ = c.Next() {
		keys = append(keys, bytes.Clone(key))
	}
	for _, key := range keys {
		if err := t.dropMemoryRow(key); err != nil {
			return false, err
		}
	}
	if len(keys) < removeSlice {
		return false, t.dropMemoryRow(scope)
	}
	return false, nil
}
