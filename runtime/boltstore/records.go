package boltstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/runtime"
)

// readAhead is how much of a journal is copied in one read transaction.
const readAhead = 256 << 10

// span is the records of a stack that are read.
type span struct {
	stack  string
	number stackNumber
	from   uint64
	to     uint64 // included
	takes  func(kind string) bool
	bulk   func(*journal.Record) bool // whether the bulk of a record is wanted
}

func everything(string) bool      { return true }
func always(*journal.Record) bool { return true }
func never(*journal.Record) bool  { return false }

// Records reads the journal in slices, so that no transaction stays open while
// fn works. Records that are committed meanwhile are not among them.
func (s *Store) Records(ctx context.Context, stack string, want journal.Want, fn func(journal.Record) error) error {
	sp := span{stack: stack, takes: want.Takes, bulk: never}
	if want.Bulk {
		sp.bulk = always
	}
	err := s.view(ctx, func(t *txn) error { return ofStack(t.locate(&sp, &want), stack) })
	if err != nil {
		return err
	}
	return s.readRecords(ctx, sp, fn)
}

// locate finds where the records that are wanted begin and end.
func (t *txn) locate(sp *span, want *journal.Want) (err error) {
	if sp.number, err = t.find(sp.stack); err != nil {
		return err
	}
	h, err := t.head(sp.number)
	if err != nil {
		return err
	}
	sp.from, sp.to = max(want.From, h.first, 1), h.seq
	if h.fork && want.From == 0 {
		id, err := t.identity(sp.number)
		if err != nil {
			return err
		}
		sp.from = max(sp.from, id.First())
	}
	if want.To > 0 {
		sp.to = min(sp.to, want.To)
	}
	if want.Last > 0 {
		err = t.lastCycles(sp, want.Last)
	}
	return err
}

// lastCycles moves the beginning to where the last n cycles begin.
func (t *txn) lastCycles(sp *span, n int) error {
	cycles := journal.Cycles{Left: n}
	var types []string // of the records of a row
	c := t.stacks.Cursor()
	prefix := sp.number.row(journalRow)
	// Rows lie backwards: the newest that begins at or before the end comes first.
	for key, raw := c.Seek(sp.number.journal(sp.to)); bytes.HasPrefix(key, prefix); key, raw = c.Next() {
		if isBulk(key, prefix) {
			continue
		}
		row, err := t.commitRow(key, raw, prefix)
		if err != nil {
			return err
		}
		u, types := row.unpack(""), types[:0]
		for u.Next() && u.Seq() <= sp.to {
			types = append(types, u.Type())
		}
		if err := u.Err(); err != nil {
			return damage(stacksBucket, key, err.Error())
		}
		for i := len(types) - 1; i >= 0; i-- {
			if cycles.Before(types[i]) {
				sp.from = max(sp.from, row.first+uint64(i)+1)
				return nil
			}
		}
		if row.first <= sp.from {
			return nil
		}
	}
	return nil
}

// readRecords calls fn for the records of a span. None may be missing.
func (s *Store) readRecords(ctx context.Context, sp span, fn func(journal.Record) error) error {
	for sp.from <= sp.to {
		var rows []commitRow
		err := s.view(ctx, func(t *txn) error {
			err := t.same(sp)
			if err == nil {
				rows, err = t.commits(sp)
			}
			return ofStack(err, sp.stack)
		})
		if err != nil {
			return err
		}
		next, err := sp.parse(rows, func(r journal.Record, apart bool) (err error) {
			if err := ctx.Err(); err != nil {
				return err
			}
			r.Stack = sp.stack // a fork has records of another stack too
			if apart && sp.bulk(&r) {
				if r, err = s.withBulk(ctx, sp, r); err != nil {
					return err
				}
			}
			return fn(r)
		})
		if err != nil {
			return s.wrap(ofStack(s.unlessDeleted(ctx, sp, err), sp.stack))
		}
		sp.from = next
	}
	return nil
}

// same checks that a span's stack is still there: not removed, with another of its
// name in its place.
func (t *txn) same(sp span) error {
	now, err := t.find(sp.stack)
	if err == nil && now != sp.number {
		err = fmt.Errorf("%w: %q", runtime.ErrNotFound, sp.stack)
	}
	return err
}

// unlessDeleted returns the error of reading a span. Records that were deleted while
// others were read are no damage.
func (s *Store) unlessDeleted(ctx context.Context, sp span, failed error) error {
	var d *Damage
	if !errors.As(failed, &d) {
		return failed
	}
	err := s.view(ctx, func(t *txn) error {
		if err := t.same(sp); err != nil {
			return err
		}
		h, err := t.head(sp.number)
		if err == nil && sp.from < h.first {
			err = fmt.Errorf("runtime: stack %q: records before %d were deleted while they were read (see history in the graph): try again", sp.stack, h.first)
		}
		return err
	})
	if err != nil {
		return err
	}
	return failed
}

// withBulk reads the bulk of a record that lies in a row of its own.
func (s *Store) withBulk(ctx context.Context, sp span, r journal.Record) (journal.Record, error) {
	var v any
	err := s.view(ctx, func(t *txn) (err error) {
		v, err = t.bulk(sp.number, r.Seq)
		return ofStack(err, sp.stack)
	})
	if err != nil {
		return r, err
	}
	return r.WithBulk(v), nil
}

// bulk reads a row that holds the bulk of a record.
func (t *txn) bulk(n stackNumber, seq uint64) (any, error) {
	key := n.bulk(seq)
	b, err := t.value(key)
	if err != nil {
		return nil, err
	}
	v, err := value.Decode(b)
	if err != nil {
		return nil, damage(stacksBucket, key, err.Error())
	}
	return v, nil
}

// parse calls fn for the records of a span that are in rows, and says which is
// next; at least one must be there. apart: the bulk is in a row of its own.
func (sp *span) parse(rows []commitRow, fn func(r journal.Record, apart bool) error) (uint64, error) {
	next := sp.from
	for _, row := range rows {
		u := row.unpack(sp.stack)
		for u.Next() {
			at := u.Seq()
			switch {
			case at < sp.from:
				continue // of the row that holds the first one
			case at != next:
				return next, missing(sp.number, next)
			case next > sp.to:
				return next, nil
			}
			next++
			if !sp.takes(u.Type()) {
				continue
			}
			r, err := u.Record()
			if err != nil {
				return at, damage(stacksBucket, sp.number.journal(row.first), fmt.Sprintf("not record %d: %v", at, err))
			}
			if err := fn(r, u.Apart()); err != nil {
				return next, err
			}
		}
		if err := u.Err(); err != nil {
			return next, damage(stacksBucket, sp.number.journal(row.first), err.Error())
		}
	}
	if next == sp.from {
		return next, missing(sp.number, next)
	}
	return next, nil
}

func missing(n stackNumber, seq uint64) *Damage {
	return damage(stacksBucket, n.journal(seq), fmt.Sprintf("record %d is missing", seq))
}

// commitRow is the records of one commit.
type commitRow struct {
	first   uint64 // seq
	records []byte
	shape   *journal.Shape // that they refer to; nil for none
}

func (r *commitRow) unpack(stack string) *journal.Unpacker {
	return journal.Unpack(r.records, stack, r.first, r.shape)
}

func (t *txn) commitRow(key, raw, prefix []byte) (commitRow, error) {
	if !isJournal(key, prefix) {
		return commitRow{}, damage(stacksBucket, key, "unknown form")
	}
	v, err := t.valueOf(key, raw)
	if err != nil {
		return commitRow{}, err
	}
	shape, err := t.shape(stackNumber(binary.BigEndian.Uint32(key)), v)
	return commitRow{firstOf(key), v, shape}, err
}

// commits copies journal rows in the order of their records, beginning with
// the one that holds the first record of the span.
func (t *txn) commits(sp span) ([]commitRow, error) {
	prefix := sp.number.row(journalRow)
	c := t.stacks.Cursor()
	var list []commitRow
	size := 0
	// Rows lie backwards: the first at or after -from begins at or before from.
	key, raw := c.Seek(sp.number.journal(sp.from))
	for isBulk(key, prefix) {
		key, raw = c.Next()
	}
	for ; bytes.HasPrefix(key, prefix) && size < readAhead; key, raw = c.Prev() {
		if isBulk(key, prefix) {
			continue
		}
		row, err := t.commitRow(key, raw, prefix)
		if err != nil {
			return nil, err
		}
		if row.first > sp.to {
			break
		}
		row.records = bytes.Clone(row.records)
		list = append(list, row)
		size += len(row.records)
	}
	return list, nil
}

// isJournal tells a row with the records of a commit.
func isJournal(key, prefix []byte) bool {
	return len(key) == len(prefix)+8 && bytes.HasPrefix(key, prefix)
}

// isBulk tells a row with the bulk of a record.
func isBulk(key, prefix []byte) bool {
	return len(key) == len(prefix)+8+1 && bytes.HasPrefix(key, prefix) && key[len(key)-1] == bulkMark
}

// firstOf is the first record of a journal row, or the record of a bulk row.
func firstOf(key []byte) uint64 {
	const at = numberSize + 1
	return ^binary.BigEndian.Uint64(key[at : at+8])
}
