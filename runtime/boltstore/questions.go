package boltstore

import (
	"bytes"
	"encoding/binary"
	"hash/fnv"
	"slices"

	"github.com/graphrun/graphrun/graph/journal"
)

// A cursor is written with every commit, and a node under for_each may have thousands of
// open questions in it. So only the first few of a node stay in the cursor; each of the
// others has a row of its own, as the properties of a key of the state have that no graph
// declares. A commit compares these rows with its cursor and writes those that differ.
//
// The name of a row is its number, which grows within a node in the order of the
// questions, and a hash of the task that asks. When it is read, the rows of a node follow the
// questions of the node that are in the cursor.

const (
	waitingKey = journal.SidecarMark + "waiting"
	askingKey  = journal.SidecarMark + "asking"
)

// inCursor is how many questions of a node stay in the cursor.
const inCursor = 8

const (
	orderSize    = 8
	questionSize = orderSize + 8
)

// perNode tells which questions stay together: those of a node. Tasks ask in an order that
// has nothing to do with their nodes.
func perNode(w *journal.Waiting) string { return w.Node }
func together(*journal.Waiting) string  { return "" }

// question is a row of one, yet without its number.
type question struct {
	row
	group string
	hash  []byte
}

// cursor encodes where the stack stands, and makes rows of most of its questions.
func (e *encoder) cursor(c *commit) {
	at := c.Cursor
	at.Waiting, c.waiting = e.questions(at.Waiting, perNode)
	at.Asking, c.asking = e.questions(at.Asking, together)
	start := len(e.buf)
	e.buf = e.packer.Cursor(e.buf, &at)
	c.cursor = e.buf[start:len(e.buf):len(e.buf)]
}

// questions divides a list into what stays in the cursor and rows.
func (e *encoder) questions(list []journal.Waiting, group func(*journal.Waiting) string) (stay []journal.Waiting, rows []question) {
	if len(list) <= inCursor {
		return list, nil
	}
	n := map[string]int{}
	for i := range list {
		w := &list[i]
		of := group(w)
		if n[of]++; n[of] <= inCursor {
			stay = append(stay, *w)
			continue
		}
		rows = append(rows, question{e.row(func(b []byte) []byte { return e.packer.Waiting(b, w) }), of, hashOf(w)})
	}
	return stay, rows
}

// hashOf stands for the task that asks.
func hashOf(w *journal.Waiting) []byte {
	h := fnv.New64a()
	b := binary.BigEndian.AppendUint64(append([]byte(w.Node), 0), w.Cycle)
	b = binary.BigEndian.AppendUint64(b, w.Wave)
	b = binary.BigEndian.AppendUint64(b, uint64(w.Number))
	_, _ = h.Write(append(b, w.Item...)) // never fails
	return h.Sum(nil)
}

func (c *commit) writeQuestions(t *txn, n stackNumber, h *head) error {
	if err := writeQuestions(t, n, h, waitingKey, c.waiting); err != nil {
		return err
	}
	return writeQuestions(t, n, h, askingKey, c.asking)
}

// writeQuestions makes the rows of a key those of a list.
func writeQuestions(t *txn, n stackNumber, h *head, name string, list []question) error {
	at := h.key(name)
	if at < 0 && len(list) == 0 {
		return nil
	}
	var k *stateKey
	if at < 0 {
		k = h.addKey(name)
		k.form, k.base = byProperty, h.seq
	} else {
		k = &h.keys[at]
	}
	there := map[string][]byte{} // the names of the rows, by their hashes
	last, gone := uint64(0), map[string]bool{}
	prefix := n.properties(k.number, k.base)
	c := t.stacks.Cursor()
	for key, _ := c.Seek(prefix); bytes.HasPrefix(key, prefix); key, _ = c.Next() {
		row := bytes.Clone(key[len(prefix):])
		if len(row) != questionSize {
			return damage(stacksBucket, key, "unknown form")
		}
		there[string(row[orderSize:])] = row
		last, gone[string(row)] = binary.BigEndian.Uint64(row), true
	}
	kept := map[string]uint64{} // the number of the last question of each group
	for _, q := range list {
		row, known := there[string(q.hash)]
		if known = known && gone[string(row)] && binary.BigEndian.Uint64(row) > kept[q.group]; !known {
			last++
			row = append(binary.BigEndian.AppendUint64(nil, last), q.hash...)
		}
		kept[q.group] = binary.BigEndian.Uint64(row)
		delete(gone, string(row))
		p := part{row: q.row, name: string(row)}
		if known && sameRow(t.stacks.Get(p.key(n, k)), p.row) {
			continue
		}
		if err := p.write(t, n, h, k); err != nil {
			return err
		}
	}
	for row := range gone { // in any order: each is deleted
		if err := t.remove(n, h, n.property(k.number, k.base, row)); err != nil {
			return err
		}
		k.size--
	}
	return nil
}

// sameRow reports whether a row holds that already.
func sameRow(raw []byte, r row) bool {
	return len(raw) == len(r.head) && bytes.Equal(raw[:len(raw)-sumSize], r.head[:len(r.head)-sumSize])
}

// stateKeys are the keys that hold the state.
func (h *head) stateKeys() []stateKey {
	return slices.DeleteFunc(slices.Clone(h.keys), func(k stateKey) bool { return k.name == waitingKey || k.name == askingKey })
}

// cursor reads where a stack stands by a head, with the questions that have rows: as they
// were at the first of these checkpoints, or as they are when there is none. key is the
// head's.
func (t *txn) cursor(raw *rawStack, h *head, points []uint64, key []byte) error {
	var err error
	at := &raw.cursor
	if *at, err = journal.ParseCursor(h.cursor); err != nil {
		return damage(stacksBucket, key, err.Error())
	}
	waiting, err := t.questions(raw.number, h, waitingKey, points)
	if err != nil {
		return err
	}
	at.Waiting = joined(at.Waiting, waiting, perNode)
	asking, err := t.questions(raw.number, h, askingKey, points)
	at.Asking = joined(at.Asking, asking, together)
	return err
}

// questions reads the rows of a key, in the order of their names.
func (t *txn) questions(n stackNumber, h *head, name string, points []uint64) ([]journal.Waiting, error) {
	at := h.key(name)
	if at < 0 || h.keys[at].size == 0 {
		return nil, nil
	}
	k := h.keys[at]
	rows, err := t.copyKey(n, k, points)
	if err != nil {
		return nil, err
	}
	list := make([]journal.Waiting, len(rows))
	for i, b := range rows {
		if list[i], err = journal.ParseWaiting(b); err != nil {
			return nil, damage(stacksBucket, n.properties(k.number, k.base), err.Error())
		}
	}
	return list, nil
}

// joined puts the questions that have rows after those of their group that have none.
func joined(stay, rows []journal.Waiting, group func(*journal.Waiting) string) []journal.Waiting {
	if len(rows) == 0 {
		return stay
	}
	of := map[string][]journal.Waiting{}
	for i := range rows {
		g := group(&rows[i])
		of[g] = append(of[g], rows[i])
	}
	out := make([]journal.Waiting, 0, len(stay)+len(rows))
	for i := range stay {
		g := group(&stay[i])
		out = append(out, stay[i])
		if i+1 == len(stay) || group(&stay[i+1]) != g {
			out = append(out, of[g]...)
		}
	}
	return out
}
