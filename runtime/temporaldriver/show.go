package temporaldriver

// shown is what the cluster shows of a stack.
type shown struct {
	Status string `json:"status,omitempty"`
	Cycle  uint64 `json:"cycle,omitempty"`
}

func (s *stack) show(d *decision) {}
