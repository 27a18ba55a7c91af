package runtime

import (
	"container/list"
	"sync"
)

// resting are the loaded stacks that only wait, the longest resting first. Of
// those beyond the bound, the longest resting are unloaded: their memory is
// given back, and the store has all that is needed to load them again.
type resting struct {
	bound int

	mu     sync.Mutex
	stacks list.List // of *Stack
}

// add puts a stack behind all others that rest.
func (r *resting) add(s *Stack) {
	r.mu.Lock()
	if s.shelf == nil {
		s.shelf = r.stacks.PushBack(s)
	} else {
		r.stacks.MoveToBack(s.shelf)
	}
	var surplus []*Stack
	for r.stacks.Len() > r.bound {
		old := r.stacks.Remove(r.stacks.Front()).(*Stack)
		old.shelf = nil
		surplus = append(surplus, old)
	}
	r.mu.Unlock()
	for _, old := range surplus {
		old.unload()
	}
}

// remove forgets a stack.
func (r *resting) remove(s *Stack) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s.shelf != nil {
		r.stacks.Remove(s.shelf)
		s.shelf = nil
	}
}

// mayRest says whether a stack without mail only waits: for a time, for which
// its timer is set, or for somebody to address it.
func (s *Stack) mayRest() bool {
	return !s.over && !s.closed && !s.stopping && s.next == nil &&
		len(s.attempts) == 0 && s.away == 0 && len(s.ended) == 0 && len(s.outbox.waiting) == 0 && !s.clearing && !s.marching
}

// unload gives the memory of a stack back, unless it has something to do.
func (s *Stack) unload() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rests && !s.looping {
		s.live, s.asleep, s.rests = nil, true, false
	}
}

// loaded says whether the stack is in memory.
func (s *Stack) loaded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.asleep
}

// putAway ends the driving of a stack that is not loaded; false when it is.
func (s *Stack) putAway(why error) bool {
	s.mu.Lock()
	if !s.asleep || s.looping {
		s.mu.Unlock()
		return false
	}
	s.looping = true // for good
	s.mu.Unlock()
	s.cannotGoOn(why)
	return true
}

// cannotGoOn ends the driving of a stack that is not loaded. Mail that is
// there, or comes, is answered with why.
func (s *Stack) cannotGoOn(why error) {
	s.mu.Lock()
	s.live, s.asleep = &live{log: s.rt.log}, false
	s.mu.Unlock()
	s.rt.timers.Stop(s.wake)
	s.err, s.over, s.closed = why, true, true
	s.result = &Result{Stack: s.name, Graph: s.graph}
	s.rt.leave(s)
	close(s.done)
	go s.loop()
}

// loaders is how many stacks are loaded at the same time: after a long time
// out, thousands may be due at once.
const loaders = 8

// loader loads stacks that got mail, and leaves them to their loops.
type loader struct {
	mu      sync.Mutex
	queue   []*Stack
	working int
}

func (l *loader) add(s *Stack) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue = append(l.queue, s)
	if l.working < loaders {
		l.working++
		go l.work()
	}
}

func (l *loader) work() {
	for {
		l.mu.Lock()
		if len(l.queue) == 0 {
			l.working--
			l.mu.Unlock()
			return
		}
		s := l.queue[0]
		l.queue = l.queue[1:]
		l.mu.Unlock()
		if err := s.load(s.rt.base, nil); err != nil {
			s.rt.log.Error("stack cannot be loaded", "stack", s.name, "error", err)
			s.cannotGoOn(err)
			continue
		}
		if s.closed {
			s.rt.leave(s)
		}
		go s.wakeLoaded()
	}
}

// wakeLoaded has the machine say anew what it waits for, and goes on with the
// mail.
func (s *Stack) wakeLoaded() {
	if !s.closed {
		s.rt.timers.Stop(s.wake)
		s.wake = nil
		s.warnOfParked()
		s.settle()
	}
	s.loop()
}
