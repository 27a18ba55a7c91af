package boltstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	bolt "go.etcd.io/bbolt"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
)

// Report is what a look through a store has found.
type Report struct {
	ID       string    `json:"id"`    // of the file
	Bytes    int64     `json:"bytes"` // its size
	Stacks   int       `json:"stacks"`
	Rows     int       `json:"rows"`
	Blobs    int       `json:"blobs"`  // values that are stored out of line
	Graphs   int       `json:"graphs"` // definitions
	Memories int       `json:"memories"`
	Problems []Problem `json:"problems"`
}

// Problem is something that is not as it was written.
type Problem struct {
	Stack string `json:"stack,omitzero"` // that cannot be used because of it; "" if it is not about one stack
	What  string `json:"what"`
}

// Check looks through a store that nobody owns and changes nothing: every
// page, every checksum, every stack with its whole history, and whether what
// refers to something is counted right. It takes about two seconds for 100 MB.
// What it finds is in the report; the error is for a file that cannot be read
// at all: in use, no store, or with damaged pages (Salvage reads around those).
func Check(ctx context.Context, path string) (report Report, err error) {
	db, err := openReadOnly(path)
	if err != nil {
		return Report{}, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return check(ctx, path, db)
}

// CheckCopy is Check of a copy that was made for it. The copy is gone when it
// returns, and where the system allows it also when the process is killed.
func CheckCopy(ctx context.Context, path string) (report Report, err error) {
	defer func() { _ = os.Remove(path) }()
	db, err := openReadOnly(path)
	if err != nil {
		return Report{}, err
	}
	db.file.release()
	_ = os.Remove(path) // an open file needs no name
	defer func() { err = errors.Join(err, db.Close()) }()
	return check(ctx, path, db)
}

// CopyPath is where a process may put a copy of the store at path to look through
// it. What killed processes left of their copies is removed.
func CopyPath(path string) string {
	const mark = unfinishedMark + "copy-"
	left, _ := filepath.Glob(path + mark + "*") // a malformed pattern finds nothing
	for _, name := range left {
		pid, _, _ := strings.Cut(name[len(path+mark):], ".")
		if n, err := strconv.Atoi(pid); err == nil && !alive(n) {
			_ = os.Remove(name)
		}
	}
	return fmt.Sprint(path, mark, os.Getpid())
}

// check looks through what openReadOnly has opened.
func check(ctx context.Context, path string, db reader) (report Report, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = unusable(path, fmt.Errorf("is damaged or cannot be read: %v", p))
		}
	}()
	m, err := readMarker(db.DB)
	if err != nil {
		return Report{}, unusable(path, err)
	}
	over, lost := unapplied(path, db.DB, m.ID)
	err = db.View(func(tx *bolt.Tx) error {
		report, err = inspect(ctx, tx, over...)
		if lost != nil {
			report.Problems = append(report.Problems, Problem{What: lost.Error()})
		}
		report.ID, report.Bytes = m.ID, tx.Size()
		for _, name := range [][]byte{memoryBucket, keptBucket} {
			if m.Format > 2 && tx.Bucket(name) == nil {
				report.Problems = append(report.Problems, Problem{What: damage(name, nil, "the bucket is missing").Error()})
			}
		}
		return err
	})
	return report, err
}

// unusable is the error over a file; err continues the sentence "database PATH …".
func unusable(path string, err error) *runtime.StoreError {
	return &runtime.StoreError{Path: path, Err: fmt.Errorf("database %q %w", path, err)}
}

// reader is a file that nobody owns, opened to be read. It keeps others from
// owning it until it is closed.
type reader struct {
	*bolt.DB
	file *owned
}

func (r reader) Close() error {
	r.file.release()
	return r.DB.Close()
}

// openReadOnly opens a file, having looked through its pages.
func openReadOnly(path string) (reader, error) {
	if _, err := os.Stat(path); err != nil {
		return reader{}, unusable(path, fmt.Errorf("cannot be opened: %w", err))
	}
	f, err := acquire(path, 0)
	if err != nil {
		return reader{}, unusable(path, err)
	}
	if err := checkFile(f.File); err != nil {
		_ = f.Close()
		return reader{}, unusable(path, err)
	}
	removeUnfinished(path)
	db, err := bolt.Open(path, 0, &bolt.Options{
		ReadOnly: true,
		OpenFile: func(string, int, os.FileMode) (*os.File, error) { return f.File, nil },
	})
	if err != nil {
		_ = f.Close()
		return reader{}, unusable(path, fmt.Errorf("cannot be opened: %w", err))
	}
	return reader{db, f}, nil
}

// inspector holds what one look through a store has seen.
type inspector struct {
	*txn
	report  Report
	names   map[stackNumber]string // from the index
	removed map[stackNumber]bool
	blobs   map[string]uint64 // references seen
	graphs  map[string]uint64
}

// inspect looks through everything that a transaction sees, with what it lacks.
func inspect(ctx context.Context, tx *bolt.Tx, over ...*layer) (Report, error) {
	t, err := begin(tx, over...)
	if err != nil {
		return Report{}, err
	}
	i := &inspector{txn: t, names: map[stackNumber]string{}, removed: map[stackNumber]bool{},
		blobs: map[string]uint64{}, graphs: map[string]uint64{}}
	for _, part := range []func(context.Context) error{i.readIndex, i.rows, i.stackByStack, i.countBlobs, i.countGraphs, i.memory} {
		if err := part(ctx); err != nil {
			return i.report, err
		}
	}
	return i.report, nil
}

func (i *inspector) problem(stack string, err error) {
	i.report.Problems = append(i.report.Problems, Problem{stack, ofStack(err, stack).Error()})
}

func (i *inspector) readIndex(context.Context) error {
	err := i.index.ForEach(func(name, _ []byte) error {
		i.report.Rows++
		n, _, err := i.number(string(name))
		if err != nil {
			i.problem(string(name), err)
			return nil
		}
		if other, taken := i.names[n]; taken {
			i.problem(string(name), damage(indexBucket, name, fmt.Sprintf("leads to the rows of stack %q", other)))
			return nil
		}
		i.names[n] = string(name)
		return nil
	})
	if err != nil {
		return err
	}
	b, err := i.table(removedTable)
	if err != nil {
		return err
	}
	return b.ForEach(func(key, raw []byte) error {
		i.report.Rows++
		if _, err := unseal(removedBucket, key, raw); err != nil || len(key) != numberSize {
			i.problem("", damage(removedBucket, key, "wrong checksum or form"))
			return nil
		}
		i.removed[stackNumber(binary.BigEndian.Uint32(key))] = true
		return nil
	})
}

// rows checks every row of the stacks and notes what it refers to.
func (i *inspector) rows(ctx context.Context) error {
	if err := i.graphBlobs(); err != nil {
		return err
	}
	return i.stacks.ForEach(func(key, raw []byte) error {
		i.report.Rows++
		if i.report.Rows%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if len(key) <= numberSize {
			i.problem("", damage(stacksBucket, key, "unknown form"))
			return nil
		}
		n := stackNumber(binary.BigEndian.Uint32(key))
		name, known := i.names[n]
		if !known && !i.removed[n] {
			i.problem("", damage(stacksBucket, key, "belongs to no stack"))
		}
		hash, err := refOf(key, raw)
		if err != nil {
			i.problem(name, err)
			return nil
		}
		if hash != nil {
			i.blobs[string(hash)]++
		}
		if u, ok := parseGraphUse(key); ok {
			i.graphs[u.hash]++
		}
		i.tie(name, key)
		return nil
	})
}

// tie looks for the other half of a row that ties a fork to what it shares.
func (i *inspector) tie(name string, key []byte) {
	kind := key[numberSize]
	if kind != pinRow && kind != linkRow {
		return
	}
	n, s, ok := parseLink(key)
	other := s.of.pin(s.at, n)
	if kind == pinRow {
		n, s, ok = parsePin(key)
		other = n.link(s)
	}
	switch {
	case !ok:
		i.problem(name, damage(stacksBucket, key, "unknown form"))
	case i.stacks.Get(other) == nil:
		i.problem(name, damage(stacksBucket, key, "leads nowhere"))
	}
}

// graphBlobs notes which blobs hold parts of graphs.
func (i *inspector) graphBlobs() error {
	if err := i.openGraphs(); err != nil {
		return err
	}
	return i.txn.graphs.ForEach(func(key, raw []byte) error {
		part := key[len(key)-1]
		apart := part >= 'A' && part <= 'Z'
		if _, blob, ok := shapeOwner(key); ok {
			apart = blob
		}
		if apart {
			if sum, err := unseal(graphsBucket, key, raw); err == nil { // else countGraphs finds it
				i.blobs[string(sum)]++
			}
		}
		return nil
	})
}

// stackByStack reads each stack as its users would.
func (i *inspector) stackByStack(ctx context.Context) error {
	for _, n := range slices.Sorted(maps.Keys(i.names)) {
		if err := ctx.Err(); err != nil {
			return err
		}
		i.report.Stacks++
		if err := i.checkStack(i.names[n], n); err != nil {
			i.problem(i.names[n], err)
		}
	}
	return nil
}

func (t *txn) checkStack(name string, n stackNumber) error {
	atFirst := func(t *txn, name string) (rawStack, error) { return t.loadBase(name, journal.Beginning, anyKey) }
	for _, read := range []func(*txn, string) (rawStack, error){(*txn).load, atFirst} {
		raw, err := read(t, name)
		if err != nil {
			return err
		}
		if raw.identity.Stack != name {
			return damage(stacksBucket, n.row(identityRow), fmt.Sprintf("is that of stack %q", raw.identity.Stack))
		}
		if _, err := raw.state(); err != nil {
			return err
		}
	}
	h, err := t.head(n)
	if err != nil {
		return err
	}
	for _, check := range []func(stackNumber, *head) error{t.checkPoints, t.checkShares, t.checkJournal, t.checkRows} {
		if err := check(n, &h); err != nil {
			return err
		}
	}
	return nil
}

// checkPoints reads the head of every checkpoint, those that the stack's head
// names included.
func (t *txn) checkPoints(n stackNumber, h *head) error {
	points, err := t.pointsFrom(n, h)
	if err != nil {
		return err
	}
	for _, p := range h.points {
		points = append(points, p.seq)
	}
	if h.newest.seq > 0 {
		points = append(points, h.newest.seq)
	}
	for _, seq := range points {
		if _, err := t.headAt(n.saved(seq, nil)); err != nil {
			return err
		}
	}
	return nil
}

// checkShares looks for the ties of all that a fork shares.
func (t *txn) checkShares(n stackNumber, h *head) error {
	shares := map[source]bool{}
	points, err := t.seqsFrom(n, 0)
	if err != nil {
		return err
	}
	for at := -1; at < len(points); at++ {
		then := *h
		if at >= 0 {
			if t.stacks.Get(n.saved(points[at], nil)) == nil {
				continue
			}
			if then, err = t.headAt(n.saved(points[at], nil)); err != nil {
				return err
			}
		}
		for _, k := range then.keys {
			if k.source.of != 0 {
				shares[k.source] = true
			}
		}
	}
	for s := range shares { // in any order: each for itself
		for _, key := range [][]byte{n.link(s), s.of.pin(s.at, n), s.of.saved(s.at, nil)} {
			if _, err := unseal(stacksBucket, key, t.stacks.Get(key)); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkRows reads what no reader needs today: rows that lead to a later
// beginning of the history.
func (t *txn) checkRows(n stackNumber, _ *head) error {
	prefix := n.row(0)[:numberSize]
	c := t.stacks.Cursor()
	for key, raw := c.Seek(prefix); bytes.HasPrefix(key, prefix); key, raw = c.Next() {
		hash, err := refOf(key, raw)
		if err == nil && hash != nil {
			_, err = t.blob(hash)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// checkJournal reads every record, with its bulk.
func (t *txn) checkJournal(n stackNumber, h *head) error {
	sp := span{number: n, from: max(h.first, 1), to: h.seq, takes: everything}
	for sp.from <= sp.to {
		rows, err := t.commits(sp)
		if err != nil {
			return err
		}
		sp.from, err = sp.parse(rows, func(r journal.Record, apart bool) error {
			if !apart {
				return nil
			}
			_, err := t.bulk(n, r.Seq)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// countBlobs reads each blob, and compares what refers to it with its count.
func (i *inspector) countBlobs(ctx context.Context) error {
	if err := i.openBlobs(); err != nil {
		return err
	}
	err := i.txn.blobs.ForEach(func(hash, _ []byte) error {
		i.report.Blobs++
		i.report.Rows++
		if _, err := i.blob(hash); err != nil {
			i.problem("", err)
		}
		n, err := i.references(hash)
		if err == nil && n != i.blobs[string(hash)] {
			err = damage(blobsBucket, hash, fmt.Sprintf("counts %d references, expected %d", n, i.blobs[string(hash)]))
		}
		if err != nil {
			i.problem("", err)
		}
		delete(i.blobs, string(hash))
		return ctx.Err()
	})
	for _, hash := range slices.Sorted(maps.Keys(i.blobs)) {
		i.problem("", damage(blobsBucket, []byte(hash), "missing"))
	}
	return err
}

// countGraphs does the same for definitions.
func (i *inspector) countGraphs(context.Context) error {
	b := i.txn.graphs
	for _, hash := range slices.Sorted(maps.Keys(i.graphs)) {
		i.report.Graphs++
		i.report.Rows += len(graphParts) + 1
		for _, part := range graphParts {
			if _, err := i.graphPart(hash, part); err != nil {
				i.problem("", err)
			}
		}
		err := i.eachShape(hash, func(key []byte) error {
			i.report.Rows++
			id := journal.ShapeID(key[len(key)-len(journal.ShapeID{}):])
			b, err := i.shapeBytes(hash, id)
			if err == nil {
				_, err = journal.ParseShape(b)
			}
			return err
		})
		if err != nil {
			i.problem("", err)
		}
		key := graphKey(hash, graphCount)
		v, err := unseal(graphsBucket, key, b.Get(key))
		if err == nil && (len(v) != 8 || binary.BigEndian.Uint64(v) != i.graphs[hash]) {
			err = damage(graphsBucket, key, fmt.Sprintf("expected %d references", i.graphs[hash]))
		}
		if err != nil {
			i.problem("", err)
		}
	}
	return b.ForEach(func(key, _ []byte) error {
		hash := string(key[:len(key)-1])
		if of, _, ok := shapeOwner(key); ok {
			hash = of
		}
		if _, used := i.graphs[hash]; !used {
			i.problem("", damage(graphsBucket, key, "belongs to no stack"))
		}
		return nil
	})
}
