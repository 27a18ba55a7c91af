package boltstore

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
)

// createFork makes a stack that shares the state of another one. What it writes depends on
// what is different in it, and on the records that it takes along.
func (c *commit) createFork(t *txn) error {
	f := c.Fork
	moved := fmt.Errorf("%w: %q", runtime.ErrMoved, f.Stack)
	p, found, err := t.number(f.Stack)
	if err != nil || !found {
		return cmp.Or(ofStack(err, f.Stack), moved)
	}
	id, err := t.identity(p)
	if err != nil || id.Nonce != f.Nonce {
		return cmp.Or(ofStack(err, f.Stack), moved)
	}
	other, err := t.head(p)
	if err != nil {
		return ofStack(err, f.Stack)
	}
	own := c.Records[0].Seq
	if f.To > 0 && (f.From < max(other.first, 1) || f.To > other.seq) {
		return moved
	}
	base, err := t.momentOf(p, &other, f.Base, f.Now && f.Base == f.State)
	if err != nil || base == nil {
		return cmp.Or(ofStack(err, f.Stack), moved)
	}
	state := base
	if f.State != f.Base {
		if state, err = t.momentOf(p, &other, f.State, f.Now); err != nil || state == nil {
			return cmp.Or(ofStack(err, f.Stack), moved)
		}
	}
	if f.Now && state.hash != c.Cursor.Hash {
		return moved
	}
	h := head{first: own, fork: true}
	if f.To > 0 {
		h.first = f.From
	}
	n, err := c.begin(t)
	if err != nil {
		return err
	}
	for _, m := range []*moment{base, state} {
		if err := t.shareAll(n, m.keys); err != nil {
			return err
		}
	}
	if err := c.writeBase(t, n, &h, base); err != nil {
		return err
	}
	if err := t.copyRecords(p, n, f.From, f.To); err != nil {
		return ofStack(err, f.Stack)
	}
	h.seq = own - 1
	if c.base == nil {
		h.keys = slices.Clone(state.keys)
		h.keys = h.stateKeys() // it writes the questions of its own cursor
		if err := t.ownPresent(n, &h); err != nil {
			return ofStack(err, f.Stack)
		}
	}
	if err := t.copyUses(p, n, h.first, own-1); err != nil {
		return err
	}
	if err := c.checkChanges(&h); err != nil {
		return err
	}
	return c.write(t, n, &h)
}

// moment is a state of another stack that is to be shared.
type moment struct {
	source
	cursor []byte
	hash   string // of the graph
	keys   []stateKey
}

// present stands for no checkpoint: rows as they are now. Nothing is kept with such a source.
const present = math.MaxUint64

// momentOf is the stack as it is now, or at one of its checkpoints; nil if that is not there,
// and an empty moment for 0. The present is shared at a checkpoint that is made for it. Where
// there is one with its number and rows have changed since, without a record, it is not shared.
func (t *txn) momentOf(p stackNumber, now *head, seq uint64, isNow bool) (*moment, error) {
	if seq == 0 {
		return &moment{}, nil
	}
	key, h := p.saved(seq, nil), *now
	m := &moment{source: source{p, seq}}
	switch there := t.stacks.Get(key) != nil; {
	case isNow && seq != now.seq || !isNow && !there:
		return nil, nil
	case isNow && there && t.hasSaved(key):
		m.at = present
	case !isNow:
		var err error
		if h, err = t.headAt(key); err != nil {
			return nil, err
		}
	}
	at, err := journal.ParseCursor(h.cursor)
	if err != nil {
		return nil, damage(stacksBucket, key, err.Error())
	}
	m.cursor, m.keys, m.hash = bytes.Clone(h.cursor), slices.Clone(h.keys), at.Hash
	for i := range m.keys {
		if m.keys[i].source.of == 0 {
			m.keys[i].source = m.source
		}
	}
	if isNow && t.stacks.Get(key) == nil {
		if err := t.savePoint(p, now, point{seq: seq, cycle: at.Cycle}); err != nil {
			return nil, err
		}
		return m, t.putHead(p, now)
	}
	return m, nil
}

// hasSaved reports that a checkpoint keeps rows that have changed since, given its key.
func (t *txn) hasSaved(key []byte) bool {
	c := t.stacks.Cursor()
	c.Seek(key)
	next, _ := c.Next()
	return bytes.HasPrefix(next, key)
}

// shareAll ties a fork to all that it shares.
func (t *txn) shareAll(n stackNumber, keys []stateKey) error {
	for _, k := range keys {
		if k.source.at == present {
			continue
		}
		if err := t.share(n, k.source); err != nil {
			return err
		}
	}
	return nil
}

// ownPresent copies the rows that cannot be shared.
func (t *txn) ownPresent(n stackNumber, h *head) error {
	for i := range h.keys {
		if h.keys[i].source.at == present {
			if err := t.ownRows(n, h, &h.keys[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// writeBase makes the checkpoint of the fork that its history is followed from.
func (c *commit) writeBase(t *txn, n stackNumber, h *head, base *moment) error {
	if base.at == 0 && c.base == nil {
		return nil
	}
	h.keys = slices.Clone(base.keys)
	at := point{seq: base.at}
	h.cursor = base.cursor
	if c.base != nil {
		h.keys = h.stateKeys()
		if err := t.ownPresent(n, h); err != nil {
			return err
		}
		at.seq, at.cycleSeq, at.cycle = c.base.Cursor.Seq, c.base.Cursor.CycleSeq, c.base.Cursor.Cycle
		h.seq = at.seq
		if err := c.base.checkChanges(h); err != nil {
			return err
		}
		for i := range c.base.changes {
			if err := c.base.changes[i].write(t, n, h); err != nil {
				return err
			}
		}
		h.cursor = c.base.cursor
		if err := c.base.writeQuestions(t, n, h); err != nil {
			return err
		}
	} else {
		cur, err := journal.ParseCursor(base.cursor)
		if err != nil {
			return damage(stacksBucket, base.of.saved(base.at, nil), err.Error())
		}
		at.cycleSeq, at.cycle = cur.CycleSeq, cur.Cycle
		h.seq = at.seq
	}
	return t.savePoint(n, h, at)
}

// copyRecords copies rows of records. Their bulk is shared where it is large.
func (t *txn) copyRecords(p, n stackNumber, from, to uint64) error {
	if to == 0 {
		return nil
	}
	sp := span{number: p, from: from, to: to, takes: everything}
	for sp.from <= to {
		rows, err := t.commits(sp)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return missing(p, sp.from)
		}
		for _, row := range rows {
			part, err := row.between(sp.from, to)
			if err != nil {
				return damage(stacksBucket, p.journal(row.first), err.Error())
			}
			if part.records == nil {
				continue
			}
			if part.first != sp.from {
				return missing(p, sp.from)
			}
			for _, seq := range part.apart {
				if err := t.copyBulk(p, n, seq); err != nil {
					return err
				}
			}
			if err := t.add(n.journal(part.first), newRow(append(append([]byte{0}, part.records...), make([]byte, sumSize)...))); err != nil {
				return err
			}
			sp.from = part.next
		}
	}
	return nil
}

// recordPart is some of the records of a row.
type recordPart struct {
	first, next uint64 // the records from first on, before next
	apart       []uint64
	records     []byte // nil for none
}

// between are the records of a row from one to another. If they are all, it is the row
// itself, else they are packed again.
func (r *commitRow) between(from, to uint64) (part recordPart, err error) {
	u := r.unpack("")
	all := true
	var list []journal.Record
	for u.Next() {
		seq := u.Seq()
		if seq < from || seq > to {
			all = false
			continue
		}
		if part.first == 0 {
			part.first = seq
		}
		part.next = seq + 1
		if u.Apart() {
			part.apart = append(part.apart, seq)
		}
		rec, err := u.Record()
		if err != nil {
			return part, err
		}
		list = append(list, rec)
	}
	switch {
	case u.Err() != nil:
		return part, u.Err()
	case all:
		part.records = r.records
	case len(list) > 0:
		isApart := func(rec *journal.Record) bool { return slices.Contains(part.apart, rec.Seq) }
		part.records = new(journal.Packer).Records(nil, list, r.shape, isApart)
	}
	return part, nil
}

// copyBulk copies the row with the bulk of a record.
func (t *txn) copyBulk(p, n stackNumber, seq uint64) error {
	v, err := unseal(stacksBucket, p.bulk(seq), t.stacks.Get(p.bulk(seq)))
	if err != nil {
		return err
	}
	return t.putRaw(n.bulk(seq), bytes.Clone(v))
}

// copyUses notes the graphs that the records from first to last need.
func (t *txn) copyUses(p, n stackNumber, first, last uint64) error {
	uses, err := t.graphUses(p)
	if err != nil {
		return err
	}
	for i, u := range uses {
		over := i+1 < len(uses) && uses[i+1].from <= first && u.from != forLife
		if over || u.from > last {
			continue
		}
		if err := t.countGraph(u.hash, +1); err != nil {
			return err
		}
		t.writes++
		key := u.key(n)
		if err := t.stacks.Put(key, sealed(stacksBucket, key, []byte{inline})); err != nil {
			return err
		}
	}
	return nil
}
