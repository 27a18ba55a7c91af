package boltstore

import "bytes"

// forgetEvents deletes rows with ids of events. Format 1 had them; the machine
// remembers the ids now. They go little by little, along with commits.
func (t *txn) forgetEvents(n stackNumber, h *head) error {
	if h.ids == 0 {
		return nil
	}
	var keys [][]byte
	end := n.row(arrivalRow + 1)
	c := t.stacks.Cursor()
	for key, _ := c.Seek(n.row(eventRow)); key != nil && len(keys) < trimSlice && bytes.Compare(key, end) < 0; key, _ = c.Next() {
		keys = append(keys, bytes.Clone(key))
	}
	for _, key := range keys {
		t.writes++
		if err := t.stacks.Delete(key); err != nil {
			return err
		}
	}
	if len(keys) < trimSlice {
		h.ids = 0
	}
	return nil
}
