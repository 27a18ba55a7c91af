package boltstore

// heads are the numbers and heads of stacks that the writer has seen lately, as they are with
// all that it has staged. So the next commit of a stack need not look for them.
type heads struct {
	numbers map[string]stackNumber
	all     map[stackNumber]*head
}

// mostHeads bounds how many are kept.
const mostHeads = 4096

// drop forgets everything: some of it was taken back.
func (k *heads) drop() {
	clear(k.numbers)
	clear(k.all)
}

// number notes the number of a stack.
func (k *heads) number(name string, n stackNumber) {
	if len(k.numbers) >= mostHeads {
		k.drop()
	}
	if k.numbers == nil {
		k.numbers, k.all = map[string]stackNumber{}, map[stackNumber]*head{}
	}
	k.numbers[name] = n
}

// note keeps a copy of a head of a stack whose number is known, but shares its lists: what
// changes them puts the head again, or fails, and then everything is dropped.
func (k *heads) note(n stackNumber, h *head) {
	if k.all == nil || len(k.all) >= mostHeads {
		return
	}
	kept := k.all[n]
	if kept == nil {
		kept = new(head)
		k.all[n] = kept
	}
	kept.cursor = append(kept.cursor[:0], h.cursor...)
	cursor := kept.cursor
	*kept = *h
	kept.cursor = cursor
}

// gone says that a row was deleted.
func (k *heads) gone(of table, key []byte) {
	switch {
	case of == indexTable:
		delete(k.numbers, string(key))
	case of == stacksTable && len(key) == numberSize+1 && key[numberSize] == headRow:
		k.drop()
	}
}
