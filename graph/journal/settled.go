package journal

// Settled is how a node ended in a cycle.
type Settled struct {
	Node     string   `json:"node"`
	Status   string   `json:"status"` // succeeded, failed, skipped, waiting
	Attempts int      `json:"attempts,omitzero"`
	Error    *Failure `json:"error,omitzero"`
	Elements []string `json:"elements,omitzero"` // the tasks of a for_each that sends, in their order: that of what it sends

	// AtCommit says that its work had come out well, and its writes did not: no
	// TaskFinished tells of the failure.
	AtCommit bool `json:"at_commit,omitzero"`
}

// Failure is why a task or a node failed.
type Failure struct {
	Kind      string `json:"kind"`
	Message   string `json:"message"`
	Permanent bool   `json:"permanent,omitzero"` // not to be tried again
}
