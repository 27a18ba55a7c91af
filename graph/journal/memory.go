package journal

// MemoryRef names a memory of a store. Exactly one of Graph and Stack is set.
type MemoryRef struct {
	Graph string // its stacks share the memory, which stays when they go
	Stack string // it alone has the memory, which goes with it
	Name  string // in the graph
}

// MemoryItem is one item of a memory.
type MemoryItem struct {
	Seq    uint64 // grows with every write
	ID     string
	Text   string
	Data   any    // canonical; not to be changed
	Vector []byte // little-endian 32-bit floats; nil without one. Not to be changed
	// Epoch is that of the memory when Vector was made. A vector of another epoch than the
	// memory's was made by another model, and counts as none: readers of a store do not
	// get it.
	Epoch uint64
}

// MemoryState is where a memory stands. The zero state is that of a memory that was
// never written to.
type MemoryState struct {
	// ID is the same for all tasks that share the memory. After the store was opened again
	// it is another one. It is "" if the memory was never written to.
	ID    string `json:"-"`
	Seq   uint64 `json:"seq"`   // of the last write
	First uint64 `json:"first"` // of the oldest item that is there; 0 without any
	Count int    `json:"count"`
	// Deletes grows with every deletion by id, and when items get other vectors; a reader
	// that knows another number reads all again.
	Deletes uint64 `json:"deletes"`
	Model   string `json:"model,omitzero"` // that made the vectors; "" without any
	Dims    int    `json:"dims,omitzero"`
	Epoch   uint64 `json:"epoch,omitzero"` // grows when another model makes the vectors
}
