package boltstore

import goruntime "runtime"

// Busy says whether a commit would wait for the transaction that is being written. Then
// free is called when that is over. See runtime.BusyStore.
func (s *Store) Busy(free func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.busy || s.isWedged() || s.unusable() != nil {
		return false
	}
	s.waiting = append(s.waiting, free)
	return true
}

// isFree says that a group was written, and tells those who wait for that.
func (s *Store) isFree() (told bool) {
	s.mu.Lock()
	waiting := s.waiting
	s.busy, s.waiting = false, nil
	s.mu.Unlock()
	for _, free := range waiting {
		free()
	}
	return len(waiting) > 0
}

// letIn waits while the queue grows, so that those who waited share the next transaction.
func (s *Store) letIn() {
	for was := -1; ; {
		s.mu.Lock()
		now := len(s.queue)
		s.mu.Unlock()
		if now == was {
			return
		}
		was = now
		goruntime.Gosched()
	}
}
