package boltstore

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Salvage copies every intact stack of the store at from into a new store at to. No
// process may own the store at from, which stays as it is. Stacks with damaged or
// missing data are skipped. The report is about the new store; its problems say what
// was skipped, and why. A file of another
// program, of a newer format, or in which nothing can be read, is an error.
func Salvage(ctx context.Context, from, to string) (Report, error) {
	f, err := acquire(from, 0)
	if err != nil {
		return Report{}, unusable(from, err)
	}
	defer f.Close() // only read
	return salvageInto(ctx, f.File, from, to)
}

// salvageInto is Salvage of a file that is owned already.
func salvageInto(ctx context.Context, f *os.File, from, to string) (Report, error) {
	if err := absent(to); err != nil {
		return Report{}, err
	}
	newest, err := anyMeta(f)
	if err != nil {
		return Report{}, unusable(from, err)
	}
	unfinished := to + unfinishedMark + rand.Text()
	defer func() { _ = os.Remove(unfinished) }() // a second name by now, or of no use
	db, err := openNew(unfinished)
	if err != nil {
		return Report{}, err
	}
	s := &salvage{ctx: ctx, db: db, file: f, meta: newest, seen: make([]uint64, newest.high/64+1)}
	report, err := s.run()
	if s.refused != nil {
		return Report{}, errors.Join(unusable(from, s.refused), db.Close())
	}
	if err == nil {
		err = db.Sync()
	}
	if err = errors.Join(err, db.Close()); err != nil {
		return Report{}, fmt.Errorf("cannot write %q: %w", to, err)
	}
	return report, publish(unfinished, to)
}

// anyMeta gives the newest meta page that is whole.
func anyMeta(f io.ReaderAt) (meta, error) {
	first, err0 := readMeta(f, 0)
	second, err1 := readMeta(f, pageSize)
	if err0 != nil && err1 != nil {
		return meta{}, fmt.Errorf("cannot be salvaged: both meta pages: %w", err0)
	}
	if err0 != nil || err1 == nil && second.txid > first.txid {
		first = second
	}
	if info, err := f.(*os.File).Stat(); err == nil {
		// A file that was cut off has fewer pages than it says.
		first.high = min(first.high, uint64(info.Size())/uint64(first.pageSize))
	}
	return first, nil
}

// salvage is one copying of sound rows.
type salvage struct {
	ctx  context.Context
	db   *bolt.DB
	file io.ReaderAt
	meta meta
	seen []uint64

	batch    []foundRow
	size     int
	problems []Problem
	mark     *marker // nil if it was not found
	sound    int     // rows found, the marker's included
	refused  error   // why the file is left alone
}

// foundRow is a row with a right checksum.
type foundRow struct {
	bucket, sub, key, value []byte
}

func (s *salvage) lost(err error) { s.problems = append(s.problems, Problem{What: err.Error()}) }

func (s *salvage) run() (Report, error) {
	mark, err := json.Marshal(marker{Magic: magic, Format: format, ID: rand.Text(), CreatedBy: "graphrun salvage", CreatedAt: time.Now().UTC()})
	if err != nil {
		return Report{}, err
	}
	if err := s.db.Update(func(tx *bolt.Tx) error { return fill(tx, mark) }); err != nil {
		return Report{}, err
	}
	if err := s.tree(s.meta.root, nil, nil, 0); err != nil {
		return Report{}, err
	}
	if s.refused = s.refuse(); s.refused != nil {
		return Report{}, s.refused
	}
	if err := s.flush(); err != nil {
		return Report{}, err
	}
	var report Report
	err = s.db.Update(func(tx *bolt.Tx) error {
		if err := s.mend(tx); err != nil {
			return err
		}
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

// refuse says why nothing is made of what was found: the rules for rows are
// those of our formats, and an empty store is no repaired one. The error
// continues the sentence "database PATH …".
func (s *salvage) refuse() error {
	switch {
	case s.mark != nil:
		return s.mark.known()
	case s.sound > 0: // a store whose marker is lost
		return nil
	case len(s.problems) == 0:
		return errNotOurs
	}
	return fmt.Errorf("cannot be salvaged: nothing in it can be read: %s", s.problems[0].What)
}

// tree walks a bucket's pages as pageChecker does, but around damaged ones.
// path are the buckets that lead to it.
func (s *salvage) tree(id uint64, low, high []byte, depth int, path ...[]byte) error {
	c := &pageChecker{file: s.file, meta: s.meta, seen: s.seen}
	p, err := c.load(id, depth)
	if err != nil {
		s.lost(err)
		return s.ctx.Err()
	}
	type child struct {
		id  uint64
		key []byte
	}
	var children []child
	var failed error
	err = p.entries(low, high, func(_ int, e entry) error {
		switch {
		case p.flags == branchPage:
			children = append(children, child{e.child, bytes.Clone(e.key)})
		case p.flags != leafPage:
			return fmt.Errorf("page %d: flags %#x, expected a branch or a leaf", id, p.flags)
		case e.bucket:
			failed = s.bucket(p, e, depth, path)
		default:
			failed = s.row(p, e, path)
		}
		return failed
	})
	if failed != nil {
		return failed
	}
	if err != nil {
		s.lost(err)
	}
	for i, k := range children {
		end := high
		if i+1 < len(children) {
			end = children[i+1].key
		}
		if err := s.tree(k.id, k.key, end, depth+1, path...); err != nil {
			return err
		}
	}
	return s.ctx.Err()
}

// bucket walks a bucket within a leaf; one that cannot be read is lost.
func (s *salvage) bucket(p *page, e entry, depth int, path [][]byte) error {
	path = append(slices.Clip(path), bytes.Clone(e.key))
	b, err := p.bytes(e.value, e.valueLen)
	if err != nil || len(b) < bucketHeader || len(path) > 2 {
		s.lost(fmt.Errorf("page %d: bucket %q cannot be read", p.id, e.key))
		return nil
	}
	if root := order.Uint64(b); root != 0 {
		return s.tree(root, nil, nil, depth+1, path...)
	}
	if b = b[bucketHeader:]; len(b) < pageHeader {
		s.lost(fmt.Errorf("page %d: bucket %q is too short", p.id, e.key))
		return nil
	}
	in := &page{buf: b, size: int64(len(b)), id: p.id, flags: order.Uint16(b[8:]), count: int(order.Uint16(b[10:]))}
	var failed error
	err = in.entries(nil, nil, func(_ int, e entry) error {
		failed = s.row(in, e, path)
		return failed
	})
	if failed == nil && err != nil {
		s.lost(err)
	}
	return failed
}

// row keeps a row whose checksum is right.
func (s *salvage) row(p *page, e entry, path [][]byte) error {
	if len(path) == 0 {
		return nil
	}
	value, err := p.bytes(e.value, e.valueLen)
	if err == nil {
		_, err = unseal(path[len(path)-1], e.key, value)
	}
	if err != nil {
		s.lost(err)
		return nil
	}
	s.sound++
	if bytes.Equal(path[0], markerBucket) {
		m := &marker{}
		if json.Unmarshal(value[:len(value)-sumSize], m) == nil {
			s.mark = m
		}
		return nil
	}
	r := foundRow{bucket: path[0], key: bytes.Clone(e.key), value: bytes.Clone(value)}
	if len(path) == 2 {
		r.sub = path[1]
	}
	s.batch = append(s.batch, r)
	if s.size += len(r.key) + len(value); s.size < compactTransaction {
		return nil
	}
	return s.flush()
}

func (s *salvage) flush() error {
	err := s.db.Update(func(tx *bolt.Tx) error {
		for _, r := range s.batch {
			b := tx.Bucket(r.bucket)
			if b == nil {
				continue // none of ours
			}
			if r.sub != nil {
				var err error
				if b, err = b.CreateBucketIfNotExists(r.sub); err != nil {
					return err
				}
			}
			if err := b.Put(r.key, r.value); err != nil {
				return err
			}
		}
		return nil
	})
	s.batch, s.size = nil, 0
	return err
}

// mend makes a sound store of sound rows: it finds stacks whose entry in the
// index is lost, leaves out those that are not complete, and counts the rest.
func (s *salvage) mend(tx *bolt.Tx) error {
	t, err := begin(tx)
	if err != nil {
		return err
	}
	for _, fix := range []func(*txn) error{s.reindex, s.leaveOut, recount} {
		if err := fix(t); err != nil {
			return err
		}
	}
	return nil
}

// reindex goes through the numbers that have an identity.
func (s *salvage) reindex(t *txn) error {
	known := map[stackNumber]bool{}
	err := t.index.ForEach(func(name, raw []byte) error {
		n, _, err := t.number(string(name))
		known[n] = true
		return err
	})
	if err != nil {
		return err
	}
	last := stackNumber(0)
	c := t.stacks.Cursor()
	for key, _ := c.First(); len(key) > numberSize; {
		n := stackNumber(binary.BigEndian.Uint32(key))
		last = max(last, n)
		if id, err := t.identity(n); err == nil && !known[n] && t.index.Get([]byte(id.Stack)) == nil && !gone(t.tx, n) {
			name := []byte(id.Stack)
			if err := t.index.Put(name, sealed(indexBucket, name, binary.BigEndian.AppendUint32(nil, uint32(n)))); err != nil {
				return err
			}
			known[n] = true
		}
		if n == math.MaxUint32 {
			break
		}
		key, _ = c.Seek((n + 1).row(0)[:numberSize])
	}
	for n := range known {
		last = max(last, n)
	}
	return t.index.SetSequence(uint64(last))
}

func gone(tx *bolt.Tx, n stackNumber) bool {
	return tx.Bucket(removedBucket).Get(binary.BigEndian.AppendUint32(nil, uint32(n))) != nil
}

// leaveOut drops stacks that are not complete, and rows that belong to none.
func (s *salvage) leaveOut(t *txn) error {
	sound := map[stackNumber]bool{}
	var broken [][]byte
	err := t.index.ForEach(func(name, _ []byte) error {
		n, err := t.find(string(name))
		if err == nil {
			err = t.checkStack(string(name), n)
		}
		if err == nil {
			err = t.checkGraphs(n)
		}
		if err != nil {
			s.problems = append(s.problems, Problem{string(name), ofStack(err, string(name)).Error()})
			broken = append(broken, bytes.Clone(name))
			return nil
		}
		sound[n] = true
		return nil
	})
	if err != nil {
		return err
	}
	for _, name := range broken {
		if err := t.index.Delete(name); err != nil {
			return err
		}
	}
	err = deleteRows(t.stacks, func(key []byte) bool {
		return len(key) <= numberSize || !sound[stackNumber(binary.BigEndian.Uint32(key))]
	})
	if err != nil {
		return err
	}
	return deleteRows(t.tx.Bucket(removedBucket), func([]byte) bool { return true })
}

// checkGraphs reports a definition that a stack needs and that is lost.
func (t *txn) checkGraphs(n stackNumber) error {
	uses, err := t.graphUses(n)
	if err != nil {
		return err
	}
	b, err := bucket(t.tx, graphsBucket)
	if err != nil {
		return err
	}
	for _, u := range uses {
		for _, part := range []byte{graphDef, graphSource, graphMeta} {
			key := graphKey(u.hash, part)
			if _, err := unseal(graphsBucket, key, b.Get(key)); err != nil {
				return err
			}
		}
	}
	return nil
}

func deleteRows(b *bolt.Bucket, which func(key []byte) bool) error {
	var keys [][]byte
	err := b.ForEach(func(key, _ []byte) error {
		if which(key) {
			keys = append(keys, bytes.Clone(key))
		}
		return nil
	})
	for i := 0; err == nil && i < len(keys); i++ {
		err = b.Delete(keys[i])
	}
	return err
}

// recount counts the references to blobs and graphs, and deletes those without any.
func recount(t *txn) error {
	i := &inspector{txn: t, names: map[stackNumber]string{}, blobs: map[string]uint64{}, graphs: map[string]uint64{}}
	if err := i.rows(context.Background()); err != nil {
		return err
	}
	if err := t.openBlobs(); err != nil {
		return err
	}
	var unused [][]byte
	err := t.blobs.ForEachBucket(func(hash []byte) error {
		if i.blobs[string(hash)] == 0 {
			unused = append(unused, bytes.Clone(hash))
		}
		return nil
	})
	for _, hash := range unused {
		err = errors.Join(err, t.blobs.DeleteBucket(hash))
	}
	if err != nil {
		return err
	}
	if err := deleteCounts(t.blobs); err != nil {
		return err
	}
	for hash, n := range i.blobs {
		if err := t.setReferences([]byte(hash), n); err != nil {
			return err
		}
	}
	graphs, err := bucket(t.tx, graphsBucket)
	if err != nil {
		return err
	}
	err = deleteRows(graphs, func(key []byte) bool { return i.graphs[string(key[:len(key)-1])] == 0 })
	for hash, n := range i.graphs {
		key := graphKey(hash, graphCount)
		err = errors.Join(err, graphs.Put(key, sealed(graphsBucket, key, binary.BigEndian.AppendUint64(nil, n))))
	}
	return err
}

// deleteCounts leaves the blobs themselves.
func deleteCounts(blobs *bolt.Bucket) error {
	var keys [][]byte
	err := blobs.ForEach(func(key, value []byte) error {
		if value != nil {
			keys = append(keys, bytes.Clone(key))
		}
		return nil
	})
	for i := 0; err == nil && i < len(keys); i++ {
		err = blobs.Delete(keys[i])
	}
	return err
}
