package boltstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"

	"github.com/graphrun/graphrun/runtime"
)

// The parts of a stored graph.
const (
	graphDef    = 'd'
	graphSource = 's'
	graphMeta   = 'm'
	graphCount  = 'n'
)

func graphKey(hash string, part byte) []byte { return append([]byte(hash), part) }

// Graph is a stored definition by its hash.
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

// forLife is the SEQ of a graph that a stack needs until it is removed, since
// it is not the one that its cursor names.
const forLife = 0

// writeGraph stores a definition that is new, and notes that the stack needs it.
func (c *commit) writeGraph(t *txn, n stackNumber, h *head) error {
	from := uint64(forLife)
	if c.Graph.Hash == c.Cursor.Hash {
		from = h.seq + 1
	}
	uses, err := t.graphUses(n)
	if err != nil {
		return err
	}
	for i, u := range uses {
		if u.hash == c.Graph.Hash && (from == forLife && u.from == forLife || from != forLife && i == len(uses)-1) {
			return nil
		}
	}
	if err := t.countGraph(c.Graph.Hash, +1); err != nil {
		return err
	}
	for _, part := range []struct {
		kind  byte
		value []byte
	}{{graphDef, c.Graph.Def}, {graphSource, c.Graph.Source}, {graphMeta, c.graph}} {
		key := graphKey(c.Graph.Hash, part.kind)
		if t.graphs.Get(key) != nil {
			break // the hash says that it is the same
		}
		if err := t.graphs.Put(key, sealed(graphsBucket, key, part.value)); err != nil {
			return err
		}
	}
	key := graphUse{from, c.Graph.Hash}.key(n)
	t.writes++
	return t.stacks.Put(key, sealed(stacksBucket, key, []byte{inline}))
}

// graphUse is a row 'g': the stack needs a graph for its records from one on.
type graphUse struct {
	from uint64
	hash string
}

func (u graphUse) key(n stackNumber) []byte {
	return append(binary.BigEndian.AppendUint64(n.row(graphRow), u.from), u.hash...)
}

// graphUses are the graphs that a stack needs, in the order of their records.
func (t *txn) graphUses(n stackNumber) ([]graphUse, error) {
	var list []graphUse
	prefix := n.row(graphRow)
	c := t.stacks.Cursor()
	for key, raw := c.Seek(prefix); bytes.HasPrefix(key, prefix); key, raw = c.Next() {
		u, ok := parseGraphUse(key)
		if _, err := unseal(stacksBucket, key, raw); err != nil || !ok {
			return nil, damage(stacksBucket, key, "unknown form")
		}
		list = append(list, u)
	}
	return list, nil
}

func parseGraphUse(key []byte) (u graphUse, ok bool) {
	const fixed = numberSize + 1 + 8
	if len(key) < fixed || key[numberSize] != graphRow {
		return u, false
	}
	return graphUse{binary.BigEndian.Uint64(key[fixed-8:]), string(key[fixed:])}, true
}

// dropGraphs lets go of graphs that no record from first on needs.
func (t *txn) dropGraphs(n stackNumber, first uint64) error {
	uses, err := t.graphUses(n)
	if err != nil {
		return err
	}
	for i, u := range uses {
		if u.from == forLife || i+1 == len(uses) || uses[i+1].from > first {
			continue
		}
		t.writes++
		if err := t.stacks.Delete(u.key(n)); err != nil {
			return err
		}
		if err := t.countGraph(u.hash, -1); err != nil {
			return err
		}
	}
	return nil
}

// countGraph adds to the number of rows that refer to a graph, and deletes it
// with the last.
func (t *txn) countGraph(hash string, add int64) (err error) {
	if t.graphs == nil {
		if t.graphs, err = bucket(t.tx, graphsBucket); err != nil {
			return err
		}
	}
	key := graphKey(hash, graphCount)
	count := int64(0)
	if raw := t.graphs.Get(key); raw != nil {
		v, err := unseal(graphsBucket, key, raw)
		if err != nil {
			return err
		}
		if len(v) != 8 {
			return damage(graphsBucket, key, "unknown form")
		}
		count = int64(binary.BigEndian.Uint64(v))
	}
	t.writes++
	if count += add; count > 0 {
		return t.graphs.Put(key, sealed(graphsBucket, key, binary.BigEndian.AppendUint64(nil, uint64(count))))
	}
	for _, part := range []byte{graphDef, graphSource, graphMeta, graphCount} {
		if err := t.graphs.Delete(graphKey(hash, part)); err != nil {
			return err
		}
	}
	return nil
}
