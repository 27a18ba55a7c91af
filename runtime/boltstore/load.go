package boltstore

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/runtime"
)

// rawStack is a stack as bytes, copied out of the transaction.
type rawStack struct {
	number   stackNumber
	identity journal.Identity
	cursor   journal.Cursor
	keys     []stateKey
	values   [][][]byte // of each key: one, or one for each part
}

// Load reads a stack: everything by its checksum, nothing missing, or a *Damage.
func (s *Store) Load(ctx context.Context, stack string) (journal.Snapshot, error) {
	return s.load(ctx, stack, (*txn).load)
}

// Base reads a stack as it was where its kept history begins.
func (s *Store) Base(ctx context.Context, stack string) (journal.Snapshot, error) {
	return s.load(ctx, stack, (*txn).loadBase)
}

func (s *Store) load(ctx context.Context, stack string, read func(t *txn, stack string) (rawStack, error)) (journal.Snapshot, error) {
	var raw rawStack
	err := s.view(ctx, func(t *txn) (err error) {
		raw, err = read(t, stack)
		return ofStack(err, stack)
	})
	if err != nil {
		return journal.Snapshot{}, err
	}
	if raw.cursor.Seq == 0 && raw.keys == nil {
		return journal.Snapshot{Identity: raw.identity}, nil
	}
	snap := journal.Snapshot{Identity: raw.identity, Cursor: raw.cursor}
	if snap.State, err = raw.state(); err != nil {
		return journal.Snapshot{}, s.wrap(ofStack(err, stack))
	}
	from := max(raw.cursor.CycleSeq, 1)
	err = s.readRecords(ctx, stack, raw.number, from, raw.cursor.Seq, func(r journal.Record) error {
		snap.Records = append(snap.Records, r)
		return nil
	})
	if err != nil {
		return journal.Snapshot{}, err
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
	raw.cursor = journal.Cursor{}
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
	switch k.form {
	case asOne:
		v, err := t.valueAt(n, points, n.value(k.number))
		return [][]byte{bytes.Clone(v)}, err
	case byProperty:
		return t.copyProperties(n, k, points)
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
	switch k.form {
	case asOne:
		v, err := t.value(n.value(k.number))
		return [][]byte{bytes.Clone(v)}, err
	case byProperty:
		return t.copyProperties(n, k, nil)
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

// copyProperties copies the rows of an object: those that it had at the first
// of these checkpoints, or has. A row is as the first checkpoint that has kept
// something of it tells, else it has not changed.
func (t *txn) copyProperties(n stackNumber, k stateKey, points []point) ([][]byte, error) {
	rows := make([][]byte, 0, min(k.size, 1024))
	told := map[string]bool{}
	prefix := n.properties(k.number, k.base)
	collect := func(prefix []byte, last bool) error {
		c := t.stacks.Cursor()
		for key, raw := c.Seek(prefix); bytes.HasPrefix(key, prefix); key, raw = c.Next() {
			name := key[len(prefix):]
			if told[string(name)] {
				continue
			}
			v, err := t.valueOf(key, raw)
			if err != nil {
				return err
			}
			if v != nil {
				rows = append(rows, bytes.Clone(v))
			}
			if !last {
				told[string(name)] = true
			}
		}
		return nil
	}
	for _, p := range points {
		if err := collect(n.saved(p.seq, prefix), false); err != nil {
			return nil, err
		}
	}
	if err := collect(prefix, true); err != nil {
		return nil, err
	}
	if uint64(len(rows)) != k.size {
		return nil, damage(stacksBucket, prefix, fmt.Sprintf("%d properties, expected %d", len(rows), k.size))
	}
	return rows, nil
}

// state decodes the keys of the state.
func (raw *rawStack) state() (map[string]any, error) {
	state := make(map[string]any, len(raw.keys))
	for i, k := range raw.keys {
		v, err := raw.decode(k, raw.values[i])
		if err != nil {
			return nil, err
		}
		state[k.name] = v
	}
	return state, nil
}

// decode puts a value together from its rows.
func (raw *rawStack) decode(k stateKey, rows [][]byte) (any, error) {
	parts := make([]any, len(rows))
	for i, b := range rows {
		var err error
		if parts[i], err = value.Decode(b); err != nil {
			return nil, damage(stacksBucket, raw.rowOf(k, i), err.Error())
		}
	}
	switch k.form {
	case asOne:
		return parts[0], nil
	case byElement:
		return parts, nil
	}
	object := make(map[string]any, len(parts))
	for _, p := range parts {
		property, _ := p.(map[string]any)
		maps.Copy(object, property)
	}
	if len(object) != len(parts) {
		return nil, damage(stacksBucket, raw.rowOf(k, 0), "the rows do not hold a property each")
	}
	return object, nil
}

// rowOf is the key of the row that holds part i, or what it begins with.
func (raw *rawStack) rowOf(k stateKey, i int) []byte {
	switch k.form {
	case byElement:
		return raw.number.element(k.number, k.base+uint64(i))
	case byProperty:
		return raw.number.properties(k.number, k.base)
	}
	return raw.number.value(k.number)
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
		return runtime.Summary{Identity: journal.Identity{Stack: stack}, Err: s.wrap(ofStack(err, stack))}
	}
	return runtime.Summary{Identity: raw.identity, Cursor: raw.cursor}
}
