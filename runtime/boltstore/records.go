package boltstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
)

// readAhead is how much of a journal is copied in one read transaction.
const readAhead = 256 << 10

// Records reads the journal in slices, so that no transaction stays open while
// fn works. Records that are committed meanwhile are not among them.
func (s *Store) Records(ctx context.Context, stack string, from uint64, fn func(journal.Record) error) error {
	var n stackNumber
	var first, last uint64
	err := s.view(ctx, func(t *txn) (err error) {
		if n, err = t.find(stack); err != nil {
			return err
		}
		h, err := t.head(n)
		first, last = h.first, h.seq
		return ofStack(err, stack)
	})
	if err != nil {
		return err
	}
	return s.readRecords(ctx, stack, n, max(from, first), last, fn)
}

// readRecords calls fn for the records from one to last, both included. None
// may be missing.
func (s *Store) readRecords(ctx context.Context, stack string, n stackNumber, from, last uint64, fn func(journal.Record) error) error {
	for from <= last {
		var entries [][]byte
		err := s.view(ctx, func(t *txn) error {
			now, err := t.find(stack)
			if err == nil && now != n {
				err = fmt.Errorf("%w: %q", runtime.ErrNotFound, stack) // and another of its name
			}
			if err == nil {
				entries, err = t.entries(n, from, last)
			}
			return ofStack(err, stack)
		})
		if err != nil {
			return err
		}
		next, err := parseEntries(entries, n, from, last, func(r journal.Record) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return fn(r)
		})
		if err != nil {
			return s.wrap(ofStack(err, stack))
		}
		from = next
	}
	return nil
}

// parseEntries calls fn for the records in rows that are from to last, and
// says which is next; at least one must be there.
func parseEntries(rows [][]byte, n stackNumber, from, last uint64, fn func(journal.Record) error) (uint64, error) {
	next := from
	for _, row := range rows {
		for line := range bytes.Lines(row) {
			r, err := journal.ParseRecord(bytes.TrimSuffix(line, []byte("\n")))
			switch {
			case err != nil:
				return next, damage(stacksBucket, n.journal(next), err.Error())
			case r.Seq < from:
				continue // of the row that holds the first one
			case r.Seq != next:
				return next, missing(n, next)
			case next > last:
				return next, nil
			}
			if err := fn(r); err != nil {
				return next, err
			}
			next++
		}
	}
	if next == from {
		return next, missing(n, next)
	}
	return next, nil
}

func missing(n stackNumber, seq uint64) *Damage {
	return damage(stacksBucket, n.journal(seq), fmt.Sprintf("record %d is missing", seq))
}

// entries copies journal rows in the order of their records, beginning with
// the one that holds record from.
func (t *txn) entries(n stackNumber, from, last uint64) ([][]byte, error) {
	prefix := n.row(journalRow)
	c := t.stacks.Cursor()
	var list [][]byte
	size := 0
	// Rows lie backwards: the first at or after -from begins at or before from.
	key, raw := c.Seek(n.journal(from))
	for ; bytes.HasPrefix(key, prefix) && size < readAhead; key, raw = c.Prev() {
		if len(key) != len(prefix)+8 {
			return nil, damage(stacksBucket, key, "unknown form")
		}
		if ^binary.BigEndian.Uint64(key[len(prefix):]) > last {
			break
		}
		v, err := t.valueOf(key, raw)
		if err != nil {
			return nil, err
		}
		list = append(list, bytes.Clone(v))
		size += len(v)
	}
	return list, nil
}
