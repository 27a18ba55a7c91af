package boltstore

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/runtime"
)

// rawStack is a stack as bytes, copied out of the transaction.
type rawStack struct {
	number   stackNumber
	identity machine.Identity
	cursor   machine.Cursor
	keys     []stateKey
	values   [][][]byte // of each key: one, or one for each element
}

// Load reads a stack: everything by its checksum, nothing missing, or a *Damage.
func (s *Store) Load(ctx context.Context, stack string) (machine.Snapshot, error) {
	return s.load(ctx, stack, (*txn).load)
}

// Base reads a stack as it was where its kept history begins.
func (s *Store) Base(ctx context.Context, stack string) (machine.Snapshot, error) {
	return s.load(ctx, stack, (*txn).loadBase)
}

func (s *Store) load(ctx context.Context, stack string, read func(t *txn, stack string) (rawStack, error)) (machine.Snapshot, error) {
	var raw rawStack
	err := s.view(ctx, func(t *txn) (err error) {
		raw, err = read(t, stack)
		return ofStack(err, stack)
	})
	if err != nil || raw.cursor.Seq == 0 && raw.keys == nil {
		return machine.Snapshot{Identity: raw.identity}, err
	}
	snap := machine.Snapshot{Identity: raw.identity, Cursor: raw.cursor}
	if snap.State, err = raw.state(); err != nil {
		return machine.Snapshot{}, s.wrap(ofStack(err, stack))
	}
	from := max(raw.cursor.CycleSeq, 1)
	err = s.readRecords(ctx, stack, raw.number, from, raw.cursor.Seq, func(r machine.Record) error {
		snap.Records = append(snap.Records, r)
		return nil
	})
	if err != nil {
		return machine.Snapshot{}, err
	}
	return snap, nil
}

func (t *txn) find(stack string) (stackNumber, error) {
	n, found, err := t.number(stack)
	if err == nil && !found {
		err = fmt.Errorf("%w: %q", runtime.ErrNotFound, stack)
	}
	return n, err
}

func (t *txn) load(stack string) (raw rawStack, err error) {
	if raw.number, err = t.find(stack); err != nil {
		return raw, err
	}
	h, err := t.who(&raw)
	if err != nil {
		return raw, err
	}
	raw.keys = h.keys
	return raw, t.copyKeys(&raw, func(k stateKey) ([][]byte, error) { return t.copyKey(raw.number, k) })
}

// loadBase reads a stack at the checkpoint with which its history begins; no
// more than its identity when the history is whole.
func (t *txn) loadBase(stack string) (raw rawStack, err error) {
	if raw.number, err = t.find(stack); err != nil {
		return raw, err
	}
	h, err := t.who(&raw)
	raw.cursor = machine.Cursor{}
	points := h.base()
	if err != nil || points == nil {
		return raw, err
	}
	at, err := t.headAt(raw.number.saved(points[0].seq, nil))
	if err != nil {
		return raw, err
	}
	if err := json.Unmarshal(at.cursor, &raw.cursor); err != nil {
		return raw, damage(stacksBucket, raw.number.saved(points[0].seq, nil), err.Error())
	}
	raw.keys = at.keys
	return raw, t.copyKeys(&raw, func(k stateKey) ([][]byte, error) { return t.copyKeyAt(raw.number, k, points) })
}

func (t *txn) copyKeys(raw *rawStack, read func(stateKey) ([][]byte, error)) (err error) {
	raw.values = make([][][]byte, len(raw.keys))
	for i, k := range raw.keys {
		if raw.values[i], err = read(k); err != nil {
			return err
		}
	}
	return nil
}

// copyKeyAt copies the rows that one key of the state had at a checkpoint.
func (t *txn) copyKeyAt(n stackNumber, k stateKey, points []point) ([][]byte, error) {
	if !k.list {
		v, err := t.valueAt(n, points, n.value(k.number))
		return [][]byte{bytes.Clone(v)}, err
	}
	var list [][]byte
	for i := range k.size {
		v, err := t.valueAt(n, points, n.element(k.number, k.base+i))
		if err != nil {
			return nil, err
		}
		list = append(list, bytes.Clone(v))
	}
	return list, nil
}

// who reads the rows that every stack has: its identity and cursor into raw.
func (t *txn) who(raw *rawStack) (h head, err error) {
	if raw.identity, err = t.identity(raw.number); err != nil {
		return h, err
	}
	if h, err = t.head(raw.number); err != nil {
		return h, err
	}
	if err := json.Unmarshal(h.cursor, &raw.cursor); err != nil {
		return h, damage(stacksBucket, raw.number.row(headRow), err.Error())
	}
	return h, nil
}

// copyKey copies the rows of one key of the state.
func (t *txn) copyKey(n stackNumber, k stateKey) ([][]byte, error) {
	if !k.list {
		v, err := t.value(n.value(k.number))
		if err != nil {
			return nil, err
		}
		return [][]byte{bytes.Clone(v)}, nil
	}
	var list [][]byte
	cursor := t.stacks.Cursor()
	var at, raw []byte
	for i := range k.size {
		key := n.element(k.number, k.base+i)
		if i == 0 {
			at, raw = cursor.Seek(key)
		} else {
			at, raw = cursor.Next()
		}
		if !bytes.Equal(at, key) {
			raw = nil
		}
		v, err := t.valueOf(key, raw)
		if err != nil {
			return nil, err
		}
		list = append(list, bytes.Clone(v))
	}
	return list, nil
}

// state decodes the keys of the state.
func (raw *rawStack) state() (map[string]any, error) {
	state := make(map[string]any, len(raw.keys))
	for i, k := range raw.keys {
		list := make([]any, len(raw.values[i]))
		for j, b := range raw.values[i] {
			v, err := value.Decode(b)
			if err != nil {
				key := raw.number.value(k.number)
				if k.list {
					key = raw.number.element(k.number, k.base+uint64(j))
				}
				return nil, damage(stacksBucket, key, err.Error())
			}
			list[j] = v
		}
		if k.list {
			state[k.name] = list
		} else {
			state[k.name] = list[0]
		}
	}
	return state, nil
}

// Stacks lists all stacks, sorted by id.
func (s *Store) Stacks(ctx context.Context) ([]runtime.Summary, error) {
	var list []runtime.Summary
	err := s.Cursors(ctx, func(sum runtime.Summary) error {
		list = append(list, sum)
		return nil
	})
	return list, err
}

// cursorSlice is how many stacks are read in one transaction.
const cursorSlice = 256

// Cursors reads the stacks in slices, so that no transaction stays open while
// fn works.
func (s *Store) Cursors(ctx context.Context, fn func(runtime.Summary) error) error {
	var next []byte // the first name of the next slice
	slice := make([]runtime.Summary, 0, cursorSlice)
	for begun := false; !begun || next != nil; begun = true {
		slice = slice[:0]
		err := s.view(ctx, func(t *txn) error {
			c := t.index.Cursor()
			name, _ := c.Seek(next)
			for ; name != nil && len(slice) < cursorSlice; name, _ = c.Next() {
				slice = append(slice, s.summary(t, string(name)))
			}
			next = bytes.Clone(name)
			return nil
		})
		if err != nil {
			return err
		}
		for _, sum := range slice {
			if err := fn(sum); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Store) summary(t *txn, stack string) runtime.Summary {
	var raw rawStack
	var err error
	if raw.number, err = t.find(stack); err == nil {
		_, err = t.who(&raw)
	}
	if err == nil && raw.identity.Stack != stack {
		err = damage(indexBucket, []byte(stack), fmt.Sprintf("leads to stack %q", raw.identity.Stack))
	}
	if err != nil {
		return runtime.Summary{Identity: machine.Identity{Stack: stack}, Err: s.wrap(ofStack(err, stack))}
	}
	return runtime.Summary{Identity: raw.identity, Cursor: raw.cursor}
}
