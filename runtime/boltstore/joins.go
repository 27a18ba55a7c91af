package boltstore

import "sync"

// ends are the stacks whose present cycle has to end with a commit of its own: checkpoints
// are made, and the history is cut off, where no cycle is open. One that is not listed after
// the store was opened is one cycle later.
type ends struct {
	mu    sync.Mutex
	apart map[string]bool
}

func (e *ends) note(stack string, apart bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case !apart:
		delete(e.apart, stack)
	case e.apart == nil:
		e.apart = map[string]bool{stack: true}
	default:
		e.apart[stack] = true
	}
}

// Joins says whether the end of a stack's open cycle and the beginning of the next one may
// be one commit. See runtime.JoiningStore.
func (s *Store) Joins(stack string) bool {
	s.ends.mu.Lock()
	defer s.ends.mu.Unlock()
	return !s.ends.apart[stack]
}
