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
	var raw rawStack
	err := s.view(ctx, func(t *txn) (err error) {
		raw, err = t.load(stack)
		return ofStack(err, stack)
	})
	if err != nil {
		return machine.Snapshot{}, err
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
	if raw.identity, raw.cursor, raw.keys, err = t.who(raw.number); err != nil {
		return raw, err
	}
	raw.values = make([][][]byte, len(raw.keys))
	for i, k := range raw.keys {
		if raw.values[i], err = t.copyKey(raw.number, k); err != nil {
			return raw, err
		}
	}
	return raw, nil
}

// who reads the rows that every stack has.
func (t *txn) who(n stackNumber) (machine.Identity, machine.Cursor, []stateKey, error) {
	id, err := t.identity(n)
	if err != nil {
		return id, machine.Cursor{}, nil, err
	}
	h, err := t.head(n)
	if err != nil {
		return id, machine.Cursor{}, nil, err
	}
	var cursor machine.Cursor
	if err := json.Unmarshal(h.cursor, &cursor); err != nil {
		return id, cursor, nil, damage(stacksBucket, n.row(headRow), err.Error())
	}
	return id, cursor, h.keys, nil
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
	err := s.view(ctx, func(t *txn) error {
		list = nil
		return t.index.ForEach(func(name, _ []byte) error {
			list = append(list, s.summary(t, string(name)))
			return nil
		})
	})
	return list, err
}

func (s *Store) summary(t *txn, stack string) runtime.Summary {
	n, err := t.find(stack)
	var sum runtime.Summary
	if err == nil {
		sum.Identity, sum.Cursor, _, err = t.who(n)
	}
	if err == nil && sum.Identity.Stack != stack {
		err = damage(indexBucket, []byte(stack), fmt.Sprintf("leads to stack %q", sum.Identity.Stack))
	}
	if err != nil {
		return runtime.Summary{Identity: machine.Identity{Stack: stack}, Err: s.wrap(ofStack(err, stack))}
	}
	return sum
}

// The parts of a stored graph.
const (
	graphDef    = 'd'
	graphSource = 's'
	graphMeta   = 'm'
)

func graphKey(hash string, part byte) []byte { return append([]byte(hash), part) }

// Graph is a stored definition by its hash. Definitions outlive their stacks.
func (s *Store) Graph(ctx context.Context, hash string) (runtime.StoredGraph, error) {
	g := runtime.StoredGraph{Hash: hash}
	err := s.view(ctx, func(t *txn) error {
		b, err := bucket(t.tx, graphsBucket)
		if err != nil {
			return err
		}
		if b.Get(graphKey(hash, graphDef)) == nil {
			return fmt.Errorf("runtime: graph %q: %w", hash, runtime.ErrNotFound)
		}
		var parts [3][]byte
		for i, part := range []byte{graphDef, graphSource, graphMeta} {
			key := graphKey(hash, part)
			v, err := unseal(graphsBucket, key, b.Get(key))
			if err != nil {
				return err
			}
			parts[i] = bytes.Clone(v)
		}
		g.Def, g.Source = parts[0], parts[1]
		var info graphInfo
		if err := json.Unmarshal(parts[2], &info); err != nil {
			return damage(graphsBucket, graphKey(hash, graphMeta), err.Error())
		}
		g.Name, g.File = info.Name, info.File
		return nil
	})
	if err != nil {
		return runtime.StoredGraph{}, err
	}
	return g, nil
}
