package boltstore

import (
	"bytes"
	"encoding/binary"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
)

// History is cut off at checkpoints only. A checkpoint costs a copy of the
// head when it is made; later the first change of each row of the state moves
// what the row held to the newest checkpoint. So the state at any of them can
// be put together, and no commit copies the whole.

// trimSlice is how many rows of the past one commit deletes at most.
const trimSlice = 64

// pointsPerSpan is how many checkpoints there are in the time that is kept:
// the fewer, the more is there beyond it.
const pointsPerSpan = 4

// retain moves the beginning of the kept history, makes checkpoints, and
// deletes a slice of what is too old. The cursor is in the head by now.
func (c *commit) retain(t *txn, n stackNumber, h *head) error {
	last := &c.Records[len(c.Records)-1]
	if _, atEnd := last.Body.(*journal.CycleFinished); atEnd && c.Keep != (graph.History{}) && !c.Cursor.Open {
		p := point{c.Cursor.Seq, c.Cursor.CycleSeq, c.Cursor.Cycle, last.Time.UnixNano()}
		if h.cutOff(c.Keep, p) {
			if err := t.dropGraphs(n, h.first); err != nil {
				return err
			}
		}
		if h.due(c.Keep, p) {
			if err := t.savePoint(n, h, p); err != nil {
				return err
			}
		}
	}
	if !h.stale {
		return nil
	}
	return t.trim(n, h)
}

// cutOff lets the history begin with the newest checkpoint that lies outside
// of what is kept at now.
func (h *head) cutOff(keep graph.History, now point) bool {
	for i := len(h.points) - 1; i >= 0; i-- {
		p := h.points[i]
		if p.beyond(now, uint64(keep.Cycles), keep.Age) && p.cycleSeq > h.first {
			h.points, h.first, h.stale = h.points[i:], p.cycleSeq, true
			return true
		}
	}
	return false
}

// due reports whether a checkpoint is to be made at now.
func (h *head) due(keep graph.History, now point) bool {
	if len(h.points) == 0 && keep.Age > 0 {
		return true
	}
	var last point
	if len(h.points) > 0 {
		last = h.points[len(h.points)-1]
	}
	cycles := uint64(keep.Cycles+pointsPerSpan-1) / pointsPerSpan
	return last.beyond(now, cycles, keep.Age/pointsPerSpan)
}

// beyond reports that at least so many cycles, or so much time, lie between p
// and now; zero is no bound.
func (p point) beyond(now point, cycles uint64, age time.Duration) bool {
	return cycles > 0 && now.cycle-p.cycle >= cycles || age > 0 && now.at-p.at >= int64(age)
}

func (t *txn) savePoint(n stackNumber, h *head, p point) error {
	key := n.saved(p.seq, nil)
	t.writes++
	if err := t.stacks.Put(key, seal(stacksBucket, key, h.append(nil))); err != nil {
		return err
	}
	h.points = append(h.points, p)
	return nil
}

// trim deletes some rows from before the kept history: of the journal, and of
// checkpoints that are gone.
func (t *txn) trim(n stackNumber, h *head) error {
	keys := t.pastRecords(n, h.first, nil)
	keys = t.pastPoints(n, h.points[0].seq, keys)
	for _, key := range keys {
		if err := t.discard(key); err != nil {
			return err
		}
	}
	h.stale = len(keys) == trimSlice
	return nil
}

// pastRecords adds journal rows all of whose records are before first, oldest
// first: they lie at the end of the stack's rows.
func (t *txn) pastRecords(n stackNumber, first uint64, keys [][]byte) [][]byte {
	prefix := n.row(journalRow)
	c := t.stacks.Cursor()
	key, _ := c.Seek(n.row(journalRow + 1))
	if key == nil {
		key, _ = c.Last()
	} else {
		key, _ = c.Prev()
	}
	for len(keys) < trimSlice && isJournal(key, prefix) {
		newer, _ := c.Prev()
		// A row ends where the next begins.
		if !isJournal(newer, prefix) || firstOf(newer) > first {
			break
		}
		keys = append(keys, bytes.Clone(key))
		key = newer
	}
	return keys
}

func isJournal(key, prefix []byte) bool {
	return len(key) == len(prefix)+8 && bytes.HasPrefix(key, prefix)
}

// firstOf is the first record of a journal row.
func firstOf(key []byte) uint64 { return ^binary.BigEndian.Uint64(key[len(key)-8:]) }

// pastPoints adds rows of checkpoints before the one at seq.
func (t *txn) pastPoints(n stackNumber, seq uint64, keys [][]byte) [][]byte {
	prefix, end := n.row(pointRow), n.saved(seq, nil)
	c := t.stacks.Cursor()
	for key, _ := c.Seek(prefix); len(keys) < trimSlice && bytes.HasPrefix(key, prefix) && bytes.Compare(key, end) < 0; key, _ = c.Next() {
		keys = append(keys, bytes.Clone(key))
	}
	return keys
}

// valueAt is what a row of the state held at the first of these checkpoints:
// the first that has kept something of it tells, else it has not changed.
func (t *txn) valueAt(n stackNumber, points []point, key []byte) ([]byte, error) {
	for _, p := range points {
		saved := n.saved(p.seq, key)
		if raw := t.stacks.Get(saved); raw != nil {
			return t.valueOf(saved, raw)
		}
	}
	return t.value(key)
}
