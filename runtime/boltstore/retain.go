package boltstore

import (
	"bytes"
	"encoding/binary"
	"slices"
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

// There are further checkpoints, for those who look at the past: the state at any
// point is decided again from the nearest one. They bound what has to be read
// for that. All checkpoints together keep no more bytes than there are records.
const (
	pointEvery = 32        // cycles
	pointAfter = 128 << 10 // bytes of records
)

// retain moves the beginning of the kept history, makes checkpoints, and
// deletes a slice of what is too old. The cursor is in the head by now.
func (c *commit) retain(t *txn, n stackNumber, h *head) error {
	last := &c.Records[len(c.Records)-1]
	p := point{c.Cursor.Seq, c.Cursor.CycleSeq, c.Cursor.Cycle, last.Time.UnixNano()}
	c.apart = c.Cursor.Open && (h.oldest(c.Keep, p) >= 0 || h.due(c.Keep, p) || h.far(p))
	if c.endsCycle() && !c.Cursor.Open {
		if h.cutOff(c.Keep, p) {
			if err := t.dropGraphs(n, h.first); err != nil {
				return err
			}
		}
		cuts := h.due(c.Keep, p)
		if cuts || h.far(p) {
			if err := t.savePoint(n, h, p); err != nil {
				return err
			}
		}
		if cuts {
			h.points = append(h.points, p)
		}
	}
	if !h.stale {
		return nil
	}
	return t.trim(n, h)
}

// endsCycle reports that the commit is the end of a cycle.
func (c *commit) endsCycle() bool {
	for _, r := range c.Records {
		if _, ok := r.Body.(*journal.CycleFinished); ok {
			return true
		}
	}
	return false
}

// cutOff lets the history begin with the newest checkpoint that lies outside
// of what is kept at now.
func (h *head) cutOff(keep graph.History, now point) bool {
	i := h.oldest(keep, now)
	if i < 0 {
		return false
	}
	h.points, h.first, h.stale = h.points[i:], h.points[i].cycleSeq, true
	return true
}

// oldest is the checkpoint that the history is to begin with at now, -1 if it begins there
// already.
func (h *head) oldest(keep graph.History, now point) int {
	for i := len(h.points) - 1; i >= 0; i-- {
		p := h.points[i]
		if p.beyond(now, uint64(keep.Cycles), keep.Age) && p.cycleSeq > h.first {
			return i
		}
	}
	return -1
}

// far reports whether a checkpoint is to be made at now because the last one is too far
// away.
func (h *head) far(now point) bool {
	return (now.cycle >= h.newest.cycle+pointEvery || h.since >= pointAfter) && h.since >= h.moved
}

// due reports whether a checkpoint that the history can be cut off at is to be
// made at now.
func (h *head) due(keep graph.History, now point) bool {
	if keep == (graph.History{}) {
		return false
	}
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
	h.newest, h.since, h.moved = nearest{p.seq, p.cycle}, 0, 0
	return nil
}

// trim deletes some rows from before the kept history: of the journal, and of
// checkpoints that are gone.
func (t *txn) trim(n stackNumber, h *head) error {
	keys := t.pastRecords(n, h.first, nil)
	for _, key := range keys {
		if err := t.discard(key); err != nil {
			return err
		}
	}
	pins := t.pinned(n)
	saved := t.pastPoints(n, h.points[0].seq, pins, trimSlice-len(keys))
	for _, key := range saved {
		if err := t.dropSaved(n, key, pins); err != nil {
			return err
		}
	}
	if h.stale = len(keys)+len(saved) == trimSlice; h.stale {
		return nil
	}
	return t.dropShares(n, h)
}

// pastRecords adds journal rows that hold only records before first, oldest first:
// they lie at the end of the stack's rows.
func (t *txn) pastRecords(n stackNumber, first uint64, keys [][]byte) [][]byte {
	prefix := n.row(journalRow)
	c := t.stacks.Cursor()
	key, _ := c.Seek(n.row(journalRow + 1))
	if key == nil {
		key, _ = c.Last()
	} else {
		key, _ = c.Prev()
	}
	var older [][]byte // a commit's row ends where the next one begins
	for ; len(keys) < trimSlice && bytes.HasPrefix(key, prefix); key, _ = c.Prev() {
		switch {
		case isBulk(key, prefix):
			if firstOf(key) < first {
				keys = append(keys, bytes.Clone(key))
			}
			continue
		case !isJournal(key, prefix) || firstOf(key) > first:
			return keys
		}
		keys, older = append(keys, older...), [][]byte{bytes.Clone(key)}
	}
	return keys
}

// pastPoints finds rows of checkpoints before the one at seq that no fork needs, at most so
// many.
func (t *txn) pastPoints(n stackNumber, seq uint64, pins []uint64, most int) (keys [][]byte) {
	prefix, end := n.row(pointRow), n.saved(seq, nil)
	c := t.stacks.Cursor()
	key, _ := c.Seek(prefix)
	for len(keys) < most && bytes.HasPrefix(key, prefix) && len(key) >= len(prefix)+8 && bytes.Compare(key, end) < 0 {
		at := binary.BigEndian.Uint64(key[len(prefix):])
		if _, needed := slices.BinarySearch(pins, at); needed {
			key, _ = c.Seek(n.saved(at+1, nil))
			continue
		}
		keys = append(keys, bytes.Clone(key))
		key, _ = c.Next()
	}
	return keys
}
