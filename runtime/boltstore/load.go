package boltstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"

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
	return s.load(ctx, stack, (*txn).load, true)
}

// State reads a stack without its records.
func (s *Store) State(ctx context.Context, stack string) (journal.Snapshot, error) {
	return s.load(ctx, stack, (*txn).load, false)
}

// BriefState is State with the machine's own lists alone.
func (s *Store) BriefState(ctx context.Context, stack string) (journal.Snapshot, error) {
	return s.load(ctx, stack, func(t *txn, stack string) (rawStack, error) { return t.loadKeys(stack, isSidecar) }, false)
}

// BriefBase is Base with the machine's own lists alone, and without records.
func (s *Store) BriefBase(ctx context.Context, stack string, at journal.Point) (journal.Snapshot, error) {
	return s.load(ctx, stack, func(t *txn, stack string) (rawStack, error) { return t.loadBase(stack, at, isSidecar) }, false)
}

func isSidecar(key string) bool { return strings.HasPrefix(key, journal.SidecarMark) }
func anyKey(string) bool        { return true }

// Base reads a stack as it was at the nearest checkpoint at or before a point.
func (s *Store) Base(ctx context.Context, stack string, at journal.Point) (journal.Snapshot, error) {
	return s.load(ctx, stack, func(t *txn, stack string) (rawStack, error) { return t.loadBase(stack, at, anyKey) }, true)
}

func (s *Store) load(ctx context.Context, stack string, read func(t *txn, stack string) (rawStack, error), records bool) (journal.Snapshot, error) {
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
	if !records {
		return snap, nil
	}
	sp := span{stack: stack, number: raw.number, from: max(raw.cursor.CycleSeq, 1), to: raw.cursor.Seq,
		takes: everything, bulk: stillMatters(&raw.cursor)}
	err = s.readRecords(ctx, sp, func(r journal.Record) error {
		snap.Records = append(snap.Records, r)
		return nil
	})
	if err != nil {
		return journal.Snapshot{}, err
	}
	return snap, nil
}

// stillMatters tells the records of a snapshot whose bulk has not been used yet.
func stillMatters(at *journal.Cursor) func(*journal.Record) bool {
	if at.Open {
		return always
	}
	return func(r *journal.Record) bool {
		switch b := r.Body.(type) {
		case *journal.EventReceived: // also after the end: the next cycle applies it if the stack is reopened
			return true
		case *journal.TaskFinished:
			return slices.ContainsFunc(at.Waiting, func(w journal.Waiting) bool { return w.Node == b.Node })
		}
		return false
	}
}

// Stack reads who a stack is and where it stands.
func (s *Store) Stack(ctx context.Context, stack string) (runtime.Summary, error) {
	var raw rawStack
	err := s.view(ctx, func(t *txn) (err error) {
		if raw.number, err = t.find(stack); err == nil {
			_, err = t.who(&raw)
		}
		return ofStack(err, stack)
	})
	if err != nil {
		return runtime.Summary{}, err
	}
	return runtime.Summary{Identity: raw.identity, Cursor: raw.cursor}, nil
}

func (t *txn) find(stack string) (stackNumber, error) {
	n, found, err := t.number(stack)
	if err == nil && !found {
		err = fmt.Errorf("%w: %q", runtime.ErrNotFound, stack)
	}
	return n, err
}

func (t *txn) load(stack string) (rawStack, error) { return t.loadKeys(stack, anyKey) }

// loadKeys reads a stack with those keys of its state that are wanted.
func (t *txn) loadKeys(stack string, wanted func(key string) bool) (raw rawStack, err error) {
	if raw.number, err = t.find(stack); err != nil {
		return raw, err
	}
	h, err := t.who(&raw)
	if err != nil {
		return raw, err
	}
	raw.keys = wantedKeys(h.stateKeys(), wanted)
	return raw, t.copyKeys(&raw, func(k stateKey) ([][]byte, error) { return t.copyKey(raw.number, k, nil) })
}

// loadBase reads a stack at the nearest checkpoint at or before a point; no more
// than its identity when the history is followed from its first record.
func (t *txn) loadBase(stack string, at journal.Point, wanted func(key string) bool) (raw rawStack, err error) {
	if raw.number, err = t.find(stack); err != nil {
		return raw, err
	}
	h, err := t.who(&raw)
	raw.cursor = journal.Cursor{}
	if err != nil {
		return raw, err
	}
	points, err := t.pointsFrom(raw.number, &h)
	if err != nil {
		return raw, err
	}
	then, points, err := t.nearest(raw.number, points, at, h.first > 1)
	if err != nil || then == nil {
		return raw, err
	}
	if err := t.cursor(&raw, then, points, raw.number.saved(points[0], nil)); err != nil {
		return raw, err
	}
	raw.keys = wantedKeys(then.stateKeys(), wanted)
	return raw, t.copyKeys(&raw, func(k stateKey) ([][]byte, error) { return t.copyKey(raw.number, k, points) })
}

func wantedKeys(keys []stateKey, wanted func(key string) bool) []stateKey {
	return slices.DeleteFunc(keys, func(k stateKey) bool { return !wanted(k.name) })
}

// pointsFrom finds the checkpoints of the kept history, oldest first, each by
// the last record before it.
func (t *txn) pointsFrom(n stackNumber, h *head) ([]uint64, error) {
	from := uint64(0)
	if h.first > 1 && len(h.points) > 0 {
		from = h.points[0].seq
	}
	return t.seqsFrom(n, from)
}

// nearest finds the last checkpoint at or before a point, and gives its head and
// the checkpoints from it on. With oldest, the first one stands for all that is
// before it, or nil if there is none.
func (t *txn) nearest(n stackNumber, points []uint64, at journal.Point, oldest bool) (*head, []uint64, error) {
	var failed error
	read := func(i int) (h head, c journal.Cursor) {
		h, err := t.headAt(n.saved(points[i], nil))
		if err == nil {
			c, err = journal.ParseCursor(h.cursor)
		}
		failed = errors.Join(failed, err)
		return h, c
	}
	behind := sort.Search(len(points), func(i int) bool {
		_, c := read(i)
		return !at.After(c.Cycle)
	})
	// One that was made for a fork within a cycle is no beginning of a history, and one before
	// the first cycle none that is better than the first record.
	for k := behind - 1; k >= 0 && failed == nil; k-- {
		if h, c := read(k); failed == nil && !c.Open && (oldest || c.Cycle > 0) {
			return &h, points[k:], nil
		}
	}
	for k := max(behind, 0); oldest && k < len(points) && failed == nil; k++ {
		if h, c := read(k); failed == nil && !c.Open {
			return &h, points[k:], nil
		}
	}
	return nil, nil, failed
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

// who reads the rows that every stack has: its identity and cursor into raw.
func (t *txn) who(raw *rawStack) (h head, err error) {
	if raw.identity, err = t.identity(raw.number); err != nil {
		return h, err
	}
	if h, err = t.head(raw.number); err != nil {
		return h, err
	}
	return h, t.cursor(raw, &h, nil, raw.number.row(headRow))
}

// copyKey copies the rows of one key of the state: as they were at the first of
// these checkpoints, or as they are when there is none.
func (t *txn) copyKey(n stackNumber, k stateKey, points []uint64) ([][]byte, error) {
	n, points, err := t.at(n, k, points)
	if err != nil {
		return nil, err
	}
	switch k.form {
	case byProperty:
		return t.copyProperties(n, k, points)
	case byElement:
		return t.copyElements(n, k, points)
	}
	key := n.value(k.number)
	for _, seq := range points {
		saved := n.saved(seq, key)
		if raw := t.stacks.Get(saved); raw != nil {
			v, err := t.valueOf(saved, raw)
			return [][]byte{bytes.Clone(v)}, err
		}
	}
	v, err := t.value(key)
	return [][]byte{bytes.Clone(v)}, err
}

// eachRow calls fn for the rows with a prefix, by the rest of their keys. A row is
// as the first of these checkpoints that has kept something of it tells; else it
// has not changed since. v is nil for a row that was not there.
func (t *txn) eachRow(n stackNumber, prefix []byte, points []uint64, wanted func(rest []byte) bool, fn func(rest, v []byte)) error {
	return t.eachRaw(n, prefix, points, wanted, func(key, rest, raw []byte) error {
		v, err := t.valueOf(key, raw)
		if err == nil {
			fn(rest, v)
		}
		return err
	})
}

// eachRaw is eachRow for the rows as they are stored.
func (t *txn) eachRaw(n stackNumber, prefix []byte, points []uint64, wanted func(rest []byte) bool, fn func(key, rest, raw []byte) error) error {
	told := map[string]bool{}
	collect := func(prefix []byte, last bool) error {
		c := t.stacks.Cursor()
		for key, raw := c.Seek(prefix); bytes.HasPrefix(key, prefix); key, raw = c.Next() {
			rest := key[len(prefix):]
			if told[string(rest)] || !wanted(rest) {
				continue
			}
			if err := fn(key, rest, raw); err != nil {
				return err
			}
			if !last {
				told[string(rest)] = true
			}
		}
		return nil
	}
	for _, seq := range points {
		if err := collect(n.saved(seq, prefix), false); err != nil {
			return err
		}
	}
	return collect(prefix, true)
}

// copyElements copies the rows of a list, in the order of its elements.
func (t *txn) copyElements(n stackNumber, k stateKey, points []uint64) ([][]byte, error) {
	list := make([][]byte, k.size)
	at := func(rest []byte) uint64 { return binary.BigEndian.Uint64(rest) - k.base }
	within := func(rest []byte) bool { return len(rest) == 8 && at(rest) < k.size }
	err := t.eachRow(n, n.elements(k.number), points, within, func(rest, v []byte) {
		list[at(rest)] = bytes.Clone(v)
	})
	for i, v := range list {
		if v == nil && err == nil {
			err = damage(stacksBucket, n.element(k.number, k.base+uint64(i)), "missing")
		}
	}
	return list, err
}

// copyProperties copies the rows of an object, in the order of their names.
func (t *txn) copyProperties(n stackNumber, k stateKey, points []uint64) ([][]byte, error) {
	type named struct{ name, row []byte }
	found := make([]named, 0, min(k.size, 1024))
	prefix := n.properties(k.number, k.base)
	all := func([]byte) bool { return true }
	err := t.eachRow(n, prefix, points, all, func(rest, v []byte) {
		if v != nil {
			found = append(found, named{bytes.Clone(rest), bytes.Clone(v)})
		}
	})
	if err == nil && uint64(len(found)) != k.size {
		err = damage(stacksBucket, prefix, fmt.Sprintf("%d properties, expected %d", len(found), k.size))
	}
	slices.SortFunc(found, func(a, b named) int { return bytes.Compare(a.name, b.name) })
	rows := make([][]byte, len(found))
	for i := range found {
		rows[i] = found[i].row
	}
	return rows, err
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
	n := raw.number
	if k.source.of != 0 {
		n = k.source.of
	}
	switch k.form {
	case byElement:
		return n.element(k.number, k.base+uint64(i))
	case byProperty:
		return n.properties(k.number, k.base)
	}
	return n.value(k.number)
}

// stacksSlice is how many stacks are read in one transaction.
const stacksSlice = 256

// Stacks reads the stacks in slices, so that no transaction stays open while
// fn works.
func (s *Store) Stacks(ctx context.Context, fn func(runtime.Summary) error) error {
	return s.StacksAfter(ctx, "", fn)
}

// StacksAfter is Stacks for those whose ids come after one.
func (s *Store) StacksAfter(ctx context.Context, after string, fn func(runtime.Summary) error) error {
	var next []byte // the first name of the next slice
	if after != "" {
		next = append([]byte(after), 0)
	}
	slice := make([]runtime.Summary, 0, stacksSlice)
	for begun := false; !begun || next != nil; begun = true {
		slice = slice[:0]
		err := s.view(ctx, func(t *txn) error {
			c := t.index.Cursor()
			name, _ := c.Seek(next)
			for ; name != nil && len(slice) < stacksSlice; name, _ = c.Next() {
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
