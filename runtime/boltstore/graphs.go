package boltstore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"

	"github.com/graphrun/graphrun/runtime"
)

// The parts of a stored graph. One that is large is a blob, so that nothing but
// the graph itself has to be written again beside it; its letter is a capital then.
const (
	graphDef    = 'd'
	graphSource = 's'
	graphMeta   = 'm'
	graphCount  = 'n'
)

var graphParts = []byte{graphDef, graphSource, graphMeta}

func graphKey(hash string, part byte) []byte { return append([]byte(hash), part) }

// apartKey is the row that says which blob holds a part.
func apartKey(hash string, part byte) []byte { return graphKey(hash, part-'a'+'A') }

// Graph is a stored definition by its hash.
func (s *Store) Graph(ctx context.Context, hash string) (runtime.StoredGraph, error) {
	var g runtime.StoredGraph
	err := s.view(ctx, func(t *txn) (err error) {
		g, err = t.graph(hash)
		return err
	})
	if err != nil {
		return runtime.StoredGraph{}, err
	}
	return g, nil
}

// graph copies a stored definition.
func (t *txn) graph(hash string) (runtime.StoredGraph, error) {
	g := runtime.StoredGraph{Hash: hash}
	if err := t.openGraphs(); err != nil {
		return g, err
	}
	if !t.hasGraph(hash) {
		return g, fmt.Errorf("runtime: graph %q: %w", hash, runtime.ErrNotFound)
	}
	var parts [3][]byte
	for i, part := range graphParts {
		v, err := t.graphPart(hash, part)
		if err != nil {
			return g, err
		}
		parts[i] = bytes.Clone(v)
	}
	g.Def, g.Source = parts[0], parts[1]
	var info graphInfo
	if err := json.Unmarshal(parts[2], &info); err != nil {
		return g, damage(graphsBucket, graphKey(hash, graphMeta), err.Error())
	}
	g.Name, g.File = info.Name, info.File
	return g, nil
}

func (t *txn) openGraphs() (err error) {
	if t.graphs == nil {
		t.graphs, err = t.table(graphsTable)
	}
	return err
}

// hasGraph looks for any part of a graph.
func (t *txn) hasGraph(hash string) bool {
	for _, part := range graphParts {
		if t.graphs.Get(graphKey(hash, part)) != nil || t.graphs.Get(apartKey(hash, part)) != nil {
			return true
		}
	}
	return false
}

// graphPart reads a part, wherever it is.
func (t *txn) graphPart(hash string, part byte) ([]byte, error) {
	key := apartKey(hash, part)
	raw := t.graphs.Get(key)
	if raw == nil {
		key = graphKey(hash, part)
		return unseal(graphsBucket, key, t.graphs.Get(key))
	}
	return t.graphBlob(key, raw)
}

// graphBlob reads the blob that a row leads to.
func (t *txn) graphBlob(key, raw []byte) ([]byte, error) {
	sum, err := unseal(graphsBucket, key, raw)
	if err != nil {
		return nil, err
	}
	if len(sum) != sha256.Size {
		return nil, damage(graphsBucket, key, "unknown form")
	}
	return t.blob(sum)
}

func (t *txn) putGraphPart(hash string, part byte, v []byte) error {
	return t.putPart(graphKey(hash, part), apartKey(hash, part), v)
}

// putPart stores a part under a key, or as a blob that the other key leads to.
func (t *txn) putPart(key, apart, v []byte) error {
	t.writes++
	if len(v) < outOfLine {
		return t.graphs.Put(key, sealed(graphsBucket, key, v))
	}
	sum := sha256.Sum256(v)
	if err := t.keepBlob(sum[:], append(bytes.Clone(v), make([]byte, sumSize)...)); err != nil {
		return err
	}
	return t.graphs.Put(apart, sealed(graphsBucket, apart, sum[:]))
}

func (t *txn) deleteGraph(hash string) error {
	for _, part := range graphParts {
		for _, key := range [][]byte{apartKey(hash, part), graphKey(hash, part)} {
			if err := t.deletePart(key, key[len(key)-1] != part); err != nil {
				return err
			}
		}
	}
	err := t.eachShape(hash, func(key []byte) error {
		_, apart, _ := shapeOwner(key)
		return t.deletePart(key, apart)
	})
	if err != nil {
		return err
	}
	return t.graphs.Delete(graphKey(hash, graphCount))
}

// deletePart deletes a row, with the blob that it leads to.
func (t *txn) deletePart(key []byte, apart bool) error {
	t.writes++
	if raw := t.graphs.Get(key); raw != nil && apart {
		if sum, err := unseal(graphsBucket, key, raw); err == nil {
			if err := t.dropBlob(bytes.Clone(sum)); err != nil {
				return err
			}
		}
	}
	return t.graphs.Delete(key)
}

// putGraph stores a definition that is new. If format 1 has stored it, putGraph moves
// its large parts apart.
func (t *txn) putGraph(hash string, def, source, meta []byte) error {
	known := t.hasGraph(hash) // the hash says that it is the same
	for i, v := range [][]byte{def, source, meta} {
		part := graphParts[i]
		if known {
			key := graphKey(hash, part)
			raw := t.graphs.Get(key)
			if len(raw) < outOfLine+sumSize {
				continue
			}
			inline, err := unseal(graphsBucket, key, raw)
			if err != nil {
				return err
			}
			v = bytes.Clone(inline)
			if err := t.graphs.Delete(key); err != nil {
				return err
			}
		}
		if err := t.putGraphPart(hash, part, v); err != nil {
			return err
		}
	}
	return nil
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
	if err := t.putGraph(c.Graph.Hash, c.Graph.Def, c.Graph.Source, c.graph); err != nil {
		return err
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
func (t *txn) countGraph(hash string, add int64) error {
	if err := t.openGraphs(); err != nil {
		return err
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
	return t.deleteGraph(hash)
}
