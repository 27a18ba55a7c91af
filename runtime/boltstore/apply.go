package boltstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
)

// apply puts a commit into a transaction. What can be wrong with a commit is
// found before anything is written.
func (c *commit) apply(t *txn) error {
	n, found, err := t.number(c.Stack)
	if err != nil {
		return ofStack(err, c.Stack)
	}
	if c.Graph != nil && c.Graph.Def == nil {
		if err := t.openGraphs(); err != nil {
			return err
		}
		if !t.hasGraph(c.Graph.Hash) {
			return fmt.Errorf("%w: %.12s", runtime.ErrNoGraph, c.Graph.Hash)
		}
	}
	if c.Create != nil {
		if found {
			return c.repeated(t, n)
		}
		return c.create(t)
	}
	if !found {
		return fmt.Errorf("%w: %q", runtime.ErrNotFound, c.Stack)
	}
	h, err := t.head(n)
	if err != nil {
		return ofStack(err, c.Stack)
	}
	if done, err := c.follows(h.seq); done || err != nil {
		return err
	}
	if err := c.checkChanges(&h); err != nil {
		return err
	}
	return ofStack(c.write(t, n, &h), c.Stack)
}

// repeated tells the repetition of the commit that created a stack, after an
// error that left its fate open, from a second stack of the same name.
func (c *commit) repeated(t *txn, n stackNumber) error {
	id, err := t.identity(n)
	if err != nil {
		return ofStack(err, c.Stack)
	}
	if id.Nonce != "" && id.Nonce == c.Create.Nonce {
		return nil
	}
	return fmt.Errorf("%w: %q", runtime.ErrExists, c.Stack)
}

func (c *commit) create(t *txn) error {
	if c.Fork != nil {
		return c.createFork(t)
	}
	if _, err := c.follows(0); err != nil {
		return err
	}
	h := head{first: 1}
	if err := c.checkChanges(&h); err != nil {
		return err
	}
	n, err := c.begin(t)
	if err != nil {
		return err
	}
	return c.write(t, n, &h)
}

// begin gives the stack that a commit creates its number, its identity and its memories.
func (c *commit) begin(t *txn) (stackNumber, error) {
	n, err := t.newStack(c.Stack)
	if err != nil {
		return n, err
	}
	if err := t.add(n.row(identityRow), c.identity); err != nil {
		return n, err
	}
	if c.MemoriesOf != "" {
		return n, c.copyMemories(t, n)
	}
	return n, nil
}

// newStack gives a stack its number and a line in the index.
func (t *txn) newStack(name string) (stackNumber, error) {
	t.writes++
	next, err := t.index.NextSequence()
	if err != nil {
		return 0, err
	}
	if next > math.MaxUint32 {
		return 0, errors.New("runtime: the store has no stack numbers left")
	}
	key := []byte(name)
	return stackNumber(next), t.index.Put(key, sealed(indexBucket, key, binary.BigEndian.AppendUint32(nil, uint32(next))))
}

// follows checks that the records continue those of the store; done when they
// are there already.
func (c *commit) follows(last uint64) (done bool, err error) {
	if len(c.Records) == 0 {
		return false, nil
	}
	if c.Records[len(c.Records)-1].Last() <= last {
		return true, nil
	}
	if first := c.Records[0].Seq; first != last+1 {
		return false, fmt.Errorf("runtime: stack %q: commit begins at record %d, expected %d", c.Stack, first, last+1)
	}
	return false, nil
}

// checkChanges refuses changes of parts that do not fit what is stored.
func (c *commit) checkChanges(h *head) error {
	if len(h.keys)+len(c.changes) > math.MaxUint16 {
		return fmt.Errorf("runtime: stack %q: more than %d keys of the state", c.Stack, math.MaxUint16)
	}
	for i := range c.changes {
		ch := &c.changes[i]
		if ch.Whole {
			continue
		}
		at := h.key(ch.Name)
		if at < 0 {
			return fmt.Errorf("runtime: stack %q: elements or properties for %q, which has no value", c.Stack, ch.Name)
		}
		k := h.keys[at]
		f := k.form
		if f == asOne {
			f = formOf(ch.Value)
		}
		if f == asOne || f == byElement && len(ch.Set) > 0 || f == byProperty && (ch.Drop != 0 || len(ch.Put) > 0) {
			return fmt.Errorf("runtime: stack %q: elements or properties for %q, which has none such", c.Stack, ch.Name)
		}
		if k.form != byElement {
			continue // else the whole value is written by its parts
		}
		size := k.size
		if ch.Drop < 0 || uint64(ch.Drop) > size {
			return fmt.Errorf("runtime: stack %q: %d elements dropped from %q, which has %d", c.Stack, ch.Drop, ch.Name, size)
		}
		size -= uint64(ch.Drop)
		for _, put := range ch.Put {
			if put.At < 0 || uint64(put.At) > size {
				return fmt.Errorf("runtime: stack %q: element %d put into %q, which has %d", c.Stack, put.At, ch.Name, size)
			}
			size = max(size, uint64(put.At)+1)
		}
	}
	return nil
}

func (c *commit) write(t *txn, n stackNumber, h *head) error {
	for i := range c.changes {
		if err := c.changes[i].write(t, n, h); err != nil {
			return err
		}
	}
	if len(c.Records) > 0 {
		if err := t.add(n.journal(c.Records[0].Seq), c.records); err != nil {
			return err
		}
		h.since += uint64(c.records.size())
		for _, b := range c.bulk {
			if err := t.add(n.bulk(b.seq), b.row); err != nil {
				return err
			}
			h.since += uint64(b.size())
		}
	}
	if err := c.writeMemories(t); err != nil {
		return err
	}
	if err := t.forgetEvents(n, h); err != nil {
		return err
	}
	if c.Graph != nil {
		if err := c.writeGraph(t, n, h); err != nil {
			return err
		}
	}
	if c.shape != nil {
		if err := c.putShape(t); err != nil {
			return err
		}
	}
	h.cursor = c.cursor
	if err := c.writeQuestions(t, n, h); err != nil {
		return err
	}
	if len(c.Records) > 0 {
		h.seq = c.Records[len(c.Records)-1].Last()
		if err := c.retain(t, n, h); err != nil {
			return err
		}
	}
	return t.putHead(n, h)
}

// write stores one key of the state and keeps the head in step.
func (c *change) write(t *txn, n stackNumber, h *head) error {
	at := h.key(c.Name)
	var k *stateKey
	if at < 0 {
		k = h.addKey(c.Name)
	} else {
		k = &h.keys[at]
	}
	if k.source.of != 0 {
		if err := c.unshare(t, n, h, k); err != nil {
			return err
		}
	}
	switch {
	case c.one.head != nil:
		if err := clearParts(t, n, h, k); err != nil {
			return err
		}
		return t.replace(n, h, n.value(k.number), c.one)
	case c.Whole:
		return writeParts(t, n, h, k, c.Value, c.parts)
	case k.form == asOne:
		// The first change of a part: from now on each has its own row.
		var e encoder
		return writeParts(t, n, h, k, c.Value, e.parts(c.Value))
	}
	for i := range c.Drop {
		if err := t.remove(n, h, n.element(k.number, k.base+uint64(i))); err != nil {
			return err
		}
	}
	if k.form == byElement {
		k.base += uint64(c.Drop)
		k.size -= uint64(c.Drop)
	}
	for i := range c.parts {
		if err := c.parts[i].write(t, n, h, k); err != nil {
			return err
		}
	}
	return nil
}

// unshare makes a key that is about to change the stack's own: with its rows if they stay.
func (c *change) unshare(t *txn, n stackNumber, h *head, k *stateKey) error {
	if c.Whole || k.form == asOne {
		h.own(k)
		return nil
	}
	return t.ownRows(n, h, k)
}

// key is the row of a part of a key of the state.
func (p *part) key(n stackNumber, k *stateKey) []byte {
	if k.form == byProperty {
		return n.property(k.number, k.base, p.name)
	}
	return n.element(k.number, k.base+uint64(p.at))
}

// write stores a part that is new or different.
func (p *part) write(t *txn, n stackNumber, h *head, k *stateKey) error {
	key := p.key(n, k)
	if k.form == byElement && uint64(p.at) < k.size || k.form == byProperty && t.stacks.Get(key) != nil {
		return t.replace(n, h, key, p.row)
	}
	k.size++
	if k.form == byProperty {
		// That it was not there is something to remember: a list's size says so.
		if err := t.keepAbsent(n, h, key); err != nil {
			return err
		}
	}
	return t.add(key, p.row)
}

// writeParts stores a whole list or object, a row for each of its parts. The
// rows of an object get a base that no checkpoint knows: the last record's
// number, as a checkpoint comes with a later one.
func writeParts(t *txn, n stackNumber, h *head, k *stateKey, v any, parts []part) error {
	if k.form == asOne {
		if err := t.remove(n, h, n.value(k.number)); err != nil {
			return err
		}
	}
	if err := clearParts(t, n, h, k); err != nil {
		return err
	}
	if k.form = formOf(v); k.form == byProperty {
		k.base = h.seq
	}
	k.size = uint64(len(parts))
	for i := range parts {
		if err := t.add(parts[i].key(n, k), parts[i].row); err != nil {
			return err
		}
	}
	return nil
}

// clearParts leaves a key without rows when it was stored by its parts.
func clearParts(t *txn, n stackNumber, h *head, k *stateKey) error {
	if k.form == asOne {
		return nil
	}
	prefix := n.properties(k.number, k.base)
	if k.form == byElement {
		prefix = n.elements(k.number)
	}
	var keys [][]byte
	c := t.stacks.Cursor()
	for key, _ := c.Seek(prefix); bytes.HasPrefix(key, prefix); key, _ = c.Next() {
		keys = append(keys, bytes.Clone(key))
	}
	for _, key := range keys {
		if err := t.remove(n, h, key); err != nil {
			return err
		}
	}
	k.form, k.base, k.size = asOne, 0, 0
	return nil
}

// identity reads who a stack is.
func (t *txn) identity(n stackNumber) (journal.Identity, error) {
	key := n.row(identityRow)
	b, err := t.value(key)
	if err != nil {
		return journal.Identity{}, err
	}
	id, err := journal.ParseIdentity(b)
	if err != nil {
		return id, damage(stacksBucket, key, err.Error())
	}
	return id, nil
}

// ofStack adds to a damage which stack it costs.
func ofStack(err error, stack string) error {
	var d *Damage
	if errors.As(err, &d) && d.Stack == "" {
		d.Stack = stack
	}
	return err
}
