package boltstore

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime/debug"
	"slices"

	bolt "go.etcd.io/bbolt"

	"github.com/graphrun/graphrun/runtime"
)

// Salvage makes a new store at to of every intact stack in the one at from, with what is in
// its log, which nobody may own and which stays as it is. Stacks with missing data are skipped.
// The report is of the new store; its problems say what was skipped, and why. A
// file of another program, of a newer format, or in which nothing can be read, is
// an error.
func Salvage(ctx context.Context, from, to string) (Report, error) {
	f, err := acquire(from, 0)
	if err != nil {
		return Report{}, unusable(from, err)
	}
	defer f.Close() // only read
	return salvageInto(ctx, f.File, from, to)
}

// salvageInto is Salvage of a file that is owned already.
func salvageInto(ctx context.Context, f *os.File, from, to string) (report Report, err error) {
	if err := absent(to); err != nil {
		return Report{}, err
	}
	unfinished := to + unfinishedMark + rand.Text()
	src, err := openDamaged(f, unfinished+"-mended")
	if err != nil {
		return Report{}, unusable(from, err)
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	s := &salvage{ctx: ctx, copied: map[stackNumber]bool{}}
	for _, lost := range src.lost {
		s.problems = append(s.problems, Problem{What: lost.Error()})
	}
	m, err := readMarker(src.DB)
	if err != nil && m.Magic != "" || errors.Is(err, errNotOurs) && len(src.lost) == 0 {
		return Report{}, unusable(from, err)
	}
	unmarked := err != nil
	defer func() { _ = os.Remove(unfinished) }() // a second name by now, or of no use
	if err := build(unfinished, "graphrun salvage"); err != nil {
		return Report{}, err
	}
	if s.dst, err = openNew(unfinished); err != nil {
		return Report{}, err
	}
	var over []*layer
	if !unmarked {
		var lost error
		if over, lost = unapplied(from, src.DB, m.ID); lost != nil {
			s.problems = append(s.problems, Problem{What: lost.Error()})
		}
	}
	report, err = s.run(src.DB, over)
	if err == nil {
		err = s.dst.Sync()
	}
	if err = errors.Join(err, s.dst.Close()); err != nil {
		return Report{}, fmt.Errorf("cannot write %q: %w", to, err)
	}
	if unmarked && report.Stacks == 0 { // an empty store is no repaired one
		return Report{}, unusable(from, fmt.Errorf("cannot be salvaged: nothing in it can be read: %w", errors.Join(src.lost...)))
	}
	return report, publish(unfinished, to)
}

// salvage is one copying of intact stacks.
type salvage struct {
	ctx      context.Context
	dst      *bolt.DB
	problems []Problem
	copied   map[stackNumber]bool
}

func (s *salvage) run(src *bolt.DB, over []*layer) (report Report, err error) {
	err = src.View(func(tx *bolt.Tx) error {
		t, err := begin(tx, over...)
		if err != nil {
			return err
		}
		names, err := s.find(t)
		for _, name := range slices.Sorted(maps.Keys(names)) {
			if err == nil {
				err = s.stack(t, name, names[name])
			}
		}
		if err == nil {
			err = s.shared(t)
		}
		if err == nil {
			err = s.memories(t)
		}
		return err
	})
	if err != nil {
		return report, err
	}
	err = s.dst.View(func(tx *bolt.Tx) error {
		report, err = inspect(s.ctx, tx)
		report.Bytes = tx.Size()
		return err
	})
	if err == nil && len(report.Problems) > 0 {
		err = fmt.Errorf("what was salvaged is not sound: %s", report.Problems[0].What)
	}
	report.Problems = s.problems
	return report, err
}

// find lists the stacks: those of the index, and those whose rows are there
// although their line in the index is lost.
func (s *salvage) find(t *txn) (map[string]stackNumber, error) {
	i := &inspector{txn: t, names: map[stackNumber]string{}, removed: map[stackNumber]bool{}}
	if err := i.readIndex(s.ctx); err != nil {
		return nil, err
	}
	t.known = map[string]stackNumber{}
	for n, name := range i.names {
		t.known[name] = n
	}
	for _, p := range i.report.Problems {
		s.problems = append(s.problems, p)
		delete(t.known, p.Stack)
	}
	c := t.stacks.Cursor()
	for key, _ := c.First(); len(key) > numberSize; {
		n := stackNumber(binary.BigEndian.Uint32(key))
		if id, err := t.identity(n); err == nil && i.names[n] == "" && !i.removed[n] && t.known[id.Stack] == 0 {
			t.known[id.Stack] = n
		}
		key, _ = c.Seek((n + 1).row(0)[:numberSize])
	}
	return t.known, s.ctx.Err()
}

// stack copies a stack if all of it can be read.
func (s *salvage) stack(t *txn, name string, n stackNumber) error {
	err := guardReading(func() error {
		if err := t.checkStack(name, n); err != nil {
			return err
		}
		uses, err := t.graphUses(n)
		for i := 0; i < len(uses) && err == nil; i++ {
			_, err = t.graph(uses[i].hash)
		}
		return err
	})
	if err != nil {
		s.problems = append(s.problems, Problem{name, ofStack(err, name).Error()})
		return s.ctx.Err()
	}
	return s.copy(t, name, n)
}

// guardReading makes an error of a panic within bbolt.
func guardReading(read func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("cannot be read: %v", p)
		}
	}()
	return read()
}

// copy writes a stack's rows, a slice in each transaction, and then its memories, as far as
// they can be read. The stack keeps its number: forks know it by that.
func (s *salvage) copy(t *txn, name string, n stackNumber) error {
	begun := func(d *txn) error { return d.putStack(name, n) }
	if err := s.copyRows(t, n, begun, func(kind byte) bool { return kind != pinRow }); err != nil {
		return err
	}
	s.copied[n] = true
	var own []ownMemory
	err := guardReading(func() (err error) {
		own, err = t.memoriesOf(n)
		return err
	})
	if err != nil {
		s.problems = append(s.problems, Problem{name, ofStack(err, name).Error()})
	}
	for _, m := range own {
		if err := s.memory(t, m.number, append(stackMemories(n), m.name...), name); err != nil {
			return err
		}
	}
	return nil
}

// copyRows writes the rows of a stack that are wanted.
func (s *salvage) copyRows(t *txn, n stackNumber, begun func(*txn) error, wanted func(kind byte) bool) error {
	prefix := n.row(0)[:numberSize]
	c := t.stacks.Cursor()
	first := true
	for key, raw := c.Seek(prefix); first || bytes.HasPrefix(key, prefix); {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		err := s.dst.Update(func(tx *bolt.Tx) error {
			d, err := begin(tx)
			if err == nil && first {
				err = begun(d)
			}
			first = false
			for size := 0; err == nil && size < compactTransaction && bytes.HasPrefix(key, prefix); key, raw = c.Next() {
				if !wanted(key[numberSize]) {
					continue
				}
				var n int
				n, err = d.copyRow(t, bytes.Clone(key), key, raw)
				size += n
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// shared ties the forks that were copied to what they share. If a stack was not copied, its
// forks get what can be read of it: what they need was read before.
func (s *salvage) shared(t *txn) error {
	owners := map[stackNumber]bool{}
	for _, n := range slices.Sorted(maps.Keys(s.copied)) {
		err := s.dst.Update(func(tx *bolt.Tx) error {
			d, err := begin(tx)
			if err != nil {
				return err
			}
			for _, link := range d.sharedBy(n) {
				_, share, ok := parseLink(link)
				if !ok {
					continue
				}
				owners[share.of] = true
				pin := share.of.pin(share.at, n)
				if err := d.stacks.Put(pin, sealed(stacksBucket, pin, []byte{inline})); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	for _, n := range slices.Sorted(maps.Keys(owners)) {
		if s.copied[n] {
			continue
		}
		removed := func(d *txn) error {
			b, err := d.table(removedTable)
			if err != nil {
				return err
			}
			key := binary.BigEndian.AppendUint32(nil, uint32(n))
			if err := d.keepNumber(n); err != nil {
				return err
			}
			return b.Put(key, sealed(removedBucket, key, []byte{}))
		}
		err := s.copyRows(&txn{tx: t.tx, over: t.over, index: t.index, stacks: t.stacks, partly: true}, n, removed, func(kind byte) bool { return kind != pinRow && keepsForForks(kind) })
		if err != nil {
			return err
		}
	}
	return nil
}

// putStack gives a stack a line in the index with a number that it had.
func (t *txn) putStack(name string, n stackNumber) error {
	if err := t.keepNumber(n); err != nil {
		return err
	}
	key := []byte(name)
	return t.index.Put(key, sealed(indexBucket, key, binary.BigEndian.AppendUint32(nil, uint32(n))))
}

// keepNumber sees to it that no later stack gets a number.
func (t *txn) keepNumber(n stackNumber) error {
	return t.index.SetSequence(max(t.index.Sequence(), uint64(n)))
}

// copyRow puts a row of another store, with the blob or the graph that it refers
// to, and says how large it is.
func (t *txn) copyRow(src *txn, to, key, raw []byte) (int, error) {
	v, err := unseal(stacksBucket, key, raw)
	if err != nil {
		return 0, src.lostRow(err)
	}
	size := len(v)
	if hash, err := refOf(key, raw); err != nil {
		return 0, err
	} else if hash != nil {
		blob, err := src.blob(hash)
		if err != nil {
			return 0, src.lostRow(err)
		}
		size += len(blob)
		if err := t.keepBlob(hash, append(bytes.Clone(blob), make([]byte, sumSize)...)); err != nil {
			return 0, err
		}
	}
	if u, ok := parseGraphUse(key); ok {
		g, err := src.graph(u.hash)
		if err != nil {
			return 0, err
		}
		if err := t.useGraph(g); err != nil {
			return 0, err
		}
		if err := t.copyShapes(src, u.hash); err != nil {
			return 0, err
		}
	}
	return size, t.stacks.Put(to, sealed(stacksBucket, to, v))
}

// lostRow is what becomes of a row that cannot be read: it is left out where not all are needed.
func (t *txn) lostRow(err error) error {
	if t.partly {
		return nil
	}
	return err
}

// useGraph counts one more use of a graph and stores one that is new.
func (t *txn) useGraph(g runtime.StoredGraph) error {
	info, err := json.Marshal(graphInfo{g.Name, g.File})
	if err != nil {
		return err
	}
	if err := t.countGraph(g.Hash, +1); err != nil {
		return err
	}
	return t.putGraph(g.Hash, g.Def, g.Source, info)
}
