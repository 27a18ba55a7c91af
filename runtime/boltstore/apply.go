package boltstore

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/runtime"
)

// apply puts a commit into a transaction. What can be wrong with a commit is
// found before anything is written.
func (c *commit) apply(t *txn) error {
	n, found, err := t.number(c.Stack)
	if err != nil {
		return ofStack(err, c.Stack)
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
	if _, err := c.follows(0); err != nil {
		return err
	}
	h := head{first: 1}
	if err := c.checkChanges(&h); err != nil {
		return err
	}
	t.writes++
	next, err := t.index.NextSequence()
	if err != nil {
		return err
	}
	if next > math.MaxUint32 {
		return errors.New("runtime: the store has no stack numbers left")
	}
	n, key := stackNumber(next), []byte(c.Stack)
	if err := t.index.Put(key, sealed(indexBucket, key, binary.BigEndian.AppendUint32(nil, uint32(n)))); err != nil {
		return err
	}
	if err := t.add(n.row(identityRow), c.identity); err != nil {
		return err
	}
	return c.write(t, n, &h)
}

// follows checks that the records continue those of the store; done when they
// are there already.
func (c *commit) follows(last uint64) (done bool, err error) {
	if len(c.Records) == 0 {
		return false, nil
	}
	if c.Records[len(c.Records)-1].Seq <= last {
		return true, nil
	}
	if first := c.Records[0].Seq; first != last+1 {
		return false, fmt.Errorf("runtime: stack %q: commit begins at record %d, expected %d", c.Stack, first, last+1)
	}
	return false, nil
}

// checkChanges refuses changes of lists that do not fit what is stored.
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
			return fmt.Errorf("runtime: stack %q: elements for %q, which has no value", c.Stack, ch.Name)
		}
		k := h.keys[at]
		if !k.list {
			continue // the whole value is written by element
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
		if err := c.writeEvents(t, n, h); err != nil {
			return err
		}
	}
	if c.Graph != nil {
		if err := c.writeGraph(t, n, h); err != nil {
			return err
		}
	}
	h.cursor = c.cursor
	if len(c.Records) > 0 {
		h.seq = c.Records[len(c.Records)-1].Seq
		if err := c.retain(t, n, h); err != nil {
			return err
		}
	}
	t.writes++
	key := n.row(headRow)
	return t.stacks.Put(key, seal(stacksBucket, key, h.append(make([]byte, 0, 512))))
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
	switch {
	case c.Whole && !c.list:
		return c.writeWhole(t, n, h, k)
	case c.Whole:
		return writeElements(t, n, h, k, c.rows)
	case !k.list:
		// The first change by element: from now on each has its own row.
		list, ok := c.Value.([]any)
		if !ok {
			return fmt.Errorf("runtime: elements for %q, which is no list", c.Name)
		}
		var e encoder
		return writeElements(t, n, h, k, e.values(list))
	}
	for i := range c.Drop {
		if err := t.remove(n, h, n.element(k.number, k.base+uint64(i))); err != nil {
			return err
		}
	}
	k.base += uint64(c.Drop)
	k.size -= uint64(c.Drop)
	for i, put := range c.Put {
		key := n.element(k.number, k.base+uint64(put.At))
		if uint64(put.At) < k.size {
			if err := t.replace(n, h, key, c.rows[i]); err != nil {
				return err
			}
			continue
		}
		if err := t.add(key, c.rows[i]); err != nil {
			return err
		}
		k.size++
	}
	return nil
}

func (c *change) writeWhole(t *txn, n stackNumber, h *head, k *stateKey) error {
	if err := clearElements(t, n, h, k); err != nil {
		return err
	}
	return t.replace(n, h, n.value(k.number), c.rows[0])
}

// writeElements stores a list anew, a row for each element.
func writeElements(t *txn, n stackNumber, h *head, k *stateKey, rows []row) error {
	if !k.list {
		if err := t.remove(n, h, n.value(k.number)); err != nil {
			return err
		}
	}
	if err := clearElements(t, n, h, k); err != nil {
		return err
	}
	k.list, k.base, k.size = true, 0, uint64(len(rows))
	for i, r := range rows {
		if err := t.add(n.element(k.number, uint64(i)), r); err != nil {
			return err
		}
	}
	return nil
}

// clearElements leaves a key without rows when it was stored by element.
func clearElements(t *txn, n stackNumber, h *head, k *stateKey) error {
	for i := range k.size {
		if err := t.remove(n, h, n.element(k.number, k.base+i)); err != nil {
			return err
		}
	}
	k.list, k.base, k.size = false, 0, 0
	return nil
}

// identity reads who a stack is.
func (t *txn) identity(n stackNumber) (machine.Identity, error) {
	key := n.row(identityRow)
	b, err := t.value(key)
	if err != nil {
		return machine.Identity{}, err
	}
	var id identity
	if err := json.Unmarshal(b, &id); err != nil {
		return id.Identity, damage(stacksBucket, key, err.Error())
	}
	params, err := value.Decode(id.Params)
	if err != nil {
		return id.Identity, damage(stacksBucket, key, err.Error())
	}
	id.Identity.Params, _ = params.(map[string]any) // null when there are none
	return id.Identity, nil
}

// ofStack adds to a damage which stack it costs.
func ofStack(err error, stack string) error {
	var d *Damage
	if errors.As(err, &d) && d.Stack == "" {
		d.Stack = stack
	}
	return err
}
