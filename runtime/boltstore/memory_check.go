package boltstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/graphrun/graphrun/graph/journal"
)

// memory looks through the memories and the kept texts.
func (i *inspector) memory(ctx context.Context) error {
	if kept, err := i.table(keptTable); err == nil { // a file of an older format has none
		err := kept.ForEach(func(key, raw []byte) error {
			i.report.Rows++
			if _, err := unseal(keptBucket, key, raw); err != nil {
				i.problem("", err)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if i.memories() == nil {
		return nil
	}
	known := map[memoryNumber]bool{}
	err := i.txn.memory.ForEach(func(key, raw []byte) error {
		i.report.Rows++
		if i.report.Rows%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if key[0] == memoryRow {
			if n, ok := memoryOf(key); !ok || !known[n] { // scopes come first
				i.problem("", damage(memoryBucket, key, "belongs to no memory"))
			}
			return nil
		}
		owner, sound := i.ownerOf(key)
		n, err := numberOf(key, raw)
		switch {
		case err != nil:
		case !sound:
			err = damage(memoryBucket, key, "belongs to no stack and no graph")
		case known[n]:
			err = damage(memoryBucket, key, "leads to the rows of another memory")
		default:
			known[n] = true
			if owner == "" && key[0] == stackScope { // of a removed stack: its rows are about to go
				return nil
			}
			i.report.Memories++
			err = i.checkMemory(n)
		}
		if err != nil {
			i.problem(owner, err)
		}
		return nil
	})
	return err
}

// memoryOf is the memory that a row belongs to.
func memoryOf(key []byte) (memoryNumber, bool) {
	if len(key) < 1+numberSize+1 {
		return 0, false
	}
	return memoryNumber(binary.BigEndian.Uint32(key[1:])), true
}

// ownerOf is the stack whose memory a row leads to, "" for a graph's or one of a removed stack.
func (i *inspector) ownerOf(key []byte) (stack string, sound bool) {
	switch {
	case key[0] == graphScope:
		return "", bytes.IndexByte(key, 0) > 1
	case key[0] == stackScope && len(key) > 1+numberSize:
		n := stackNumber(binary.BigEndian.Uint32(key[1:]))
		name, known := i.names[n]
		return name, known || i.removed[n]
	}
	return "", false
}

// checkMemory reads all of a memory, and compares its items with what else is known.
func (t *txn) checkMemory(n memoryNumber) error {
	state, err := t.memoryHead(n)
	if err != nil {
		return err
	}
	rows, count, first, ids := memoryRows{t, n}, 0, uint64(0), 0
	err = t.eachMemoryRow(n, func(key, raw []byte) error {
		switch kind := key[1+numberSize]; {
		case kind == memoryHeadRow && len(key) == len(n.head()):
			return nil
		case kind == memoryIDRow:
			ids++
			_, err := unseal(memoryBucket, key, raw)
			return err
		case kind != memoryItemRow || len(key) != len(n.item(0)):
			return damage(memoryBucket, key, "unknown form")
		}
		it, err := memoryItem(key, raw)
		if err != nil {
			return err
		}
		if count++; first == 0 {
			first = it.Seq
		}
		if seq, err := rows.Find(it.ID); err != nil {
			return err
		} else if seq != it.Seq || it.Seq > state.Seq {
			return damage(memoryBucket, key, fmt.Sprintf("its id leads to item %d", seq))
		}
		return nil
	})
	if err != nil {
		return err
	}
	if count != state.Count || first != state.First || ids != count {
		return damage(memoryBucket, n.head(), fmt.Sprintf("counts %d items from %d on, expected %d from %d on with as many ids, not %d",
			state.Count, state.First, count, first, ids))
	}
	return nil
}

// eachMemoryRow calls fn for all rows of a memory. It is not to change any.
func (t *txn) eachMemoryRow(n memoryNumber, fn func(key, raw []byte) error) error {
	prefix := n.all()
	c := t.memories().Cursor()
	for key, raw := c.Seek(prefix); bytes.HasPrefix(key, prefix); key, raw = c.Next() {
		if err := fn(key, raw); err != nil {
			return err
		}
	}
	return nil
}

// memories copies the memories of graphs, and the kept texts.
func (s *salvage) memories(t *txn) error {
	var scopes []ownMemory
	err := guardReading(func() error {
		if t.memories() == nil {
			return nil
		}
		c := t.memory.Cursor()
		for key, raw := c.Seek([]byte{graphScope}); len(key) > 0 && key[0] == graphScope; key, raw = c.Next() {
			n, err := numberOf(key, raw)
			if err != nil {
				s.problems = append(s.problems, Problem{What: err.Error()})
				continue
			}
			scopes = append(scopes, ownMemory{scope: bytes.Clone(key), number: n})
		}
		return nil
	})
	if err != nil {
		s.problems = append(s.problems, Problem{What: err.Error()})
	}
	for _, m := range scopes {
		if err := s.memory(t, m.number, m.scope, ""); err != nil {
			return err
		}
	}
	return s.kept(t)
}

func (s *salvage) kept(t *txn) error {
	var rows [][2][]byte
	err := guardReading(func() error {
		kept, err := t.table(keptTable)
		if err != nil {
			return nil // an older format has none
		}
		return kept.ForEach(func(key, raw []byte) error {
			if v, err := unseal(keptBucket, key, raw); err == nil { // whoever kept one can make it again
				rows = append(rows, [2][]byte{bytes.Clone(key), bytes.Clone(v)})
			}
			return nil
		})
	})
	if err != nil {
		s.problems = append(s.problems, Problem{What: err.Error()})
	}
	d, err := s.dst.Begin(true)
	if err != nil {
		return err
	}
	defer func() { _ = d.Rollback() }() // nothing is left to undo after a commit
	for _, r := range rows {
		if err := d.Bucket(keptBucket).Put(r[0], sealed(keptBucket, r[0], r[1])); err != nil {
			return err
		}
	}
	return d.Commit()
}

// memory copies the items of a memory that can be read, and names those that cannot.
func (s *salvage) memory(t *txn, from memoryNumber, scope []byte, stack string) error {
	lost := func(err error) { s.problems = append(s.problems, Problem{stack, ofStack(err, stack).Error()}) }
	state, err := t.memoryHead(from)
	if err != nil {
		lost(err)
		state = journal.MemoryState{} // without model: the vectors are of no use
	}
	state.Count, state.First = 0, 0
	var to memoryNumber
	for next := from.item(0); next != nil; {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		var items []journal.MemoryItem
		if items, next, err = s.items(t, from, next, lost); err != nil {
			lost(err)
		}
		d, err := s.dst.Begin(true)
		if err != nil {
			return err
		}
		if err := s.putItems(&txn{tx: d}, &to, scope, &state, items); err != nil {
			_ = d.Rollback() // the error at hand says more
			return err
		}
		if err := d.Commit(); err != nil {
			return err
		}
	}
	return nil
}

// items reads some items of a memory, and says where the next ones are: nil at the end.
func (s *salvage) items(t *txn, from memoryNumber, at []byte, lost func(error)) (items []journal.MemoryItem, next []byte, err error) {
	err = guardReading(func() error {
		c := t.memories().Cursor()
		size, prefix := 0, from.items()
		for key, raw := c.Seek(at); bytes.HasPrefix(key, prefix); key, raw = c.Next() {
			if size > memorySlice {
				next = bytes.Clone(key)
				break
			}
			size += len(raw)
			if len(key) != len(from.item(0)) {
				lost(damage(memoryBucket, key, "unknown form"))
				continue
			}
			it, err := memoryItem(key, bytes.Clone(raw))
			if err != nil {
				lost(err)
				continue
			}
			items = append(items, it)
		}
		return nil
	})
	return items, next, err
}

func (s *salvage) putItems(t *txn, to *memoryNumber, scope []byte, state *journal.MemoryState, items []journal.MemoryItem) (err error) {
	if *to == 0 {
		if *to, err = t.newMemory(slices.Clone(scope)); err != nil {
			return err
		}
	}
	rows := memoryRows{t, *to}
	for _, it := range items {
		if it.Epoch != state.Epoch {
			it.Vector, it.Epoch = nil, state.Epoch
		}
		if seq, err := rows.Find(it.ID); err != nil {
			return err
		} else if seq > 0 { // no store writes an id twice
			continue
		}
		if err := rows.Put(it); err != nil {
			return err
		}
		if state.Count++; state.First == 0 {
			state.First = it.Seq
		}
		state.Seq = max(state.Seq, it.Seq)
	}
	return t.putMemoryHead(*to, state)
}
