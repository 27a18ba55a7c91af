package boltstore

// Earlier versions kept the ids of events in rows of their own. The machine knows
// them now; rows that are there stay until their stack is removed.

// eventHash stands for an event's id in keys, whatever its length.
type eventHash [16]byte

// arrivalSize is the size of a row 'f': form, time, hash.
const arrivalSize = 1 + 8 + len(eventHash{})

func (n stackNumber) event(h eventHash) []byte { return append(n.row(eventRow), h[:]...) }
