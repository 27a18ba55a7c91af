package runtime

import (
	"slices"
	"time"
)

// probation is how long the engine has to live with a suspect before the next one
// is let in beside it.
const probation = time.Minute

// suspects are the tasks of all pools that are suspected of killing the engine:
// twice it died while they ran. They begin with one alone, so that when the engine
// dies again the others were not there, and they come to their ends one after the
// other. For every one that ends, or with which the engine has lived for a while,
// one more is let in at the same time: where the engine died for another reason,
// hundreds of them are at work again within minutes. Guarded by pools.mu.
type suspects struct {
	room    int        // how many may be on probation at once
	watched int        // that are
	held    []*attempt // others that had their turn
}

// watch lets a suspect in; false: it is held back.
func (ps *pools) watch(a *attempt) bool {
	s := &ps.suspects
	if s.watched >= s.room {
		a.place = heldBack
		s.held = append(s.held, a)
		return false
	}
	s.watched++
	a.probation = ps.timers.at(time.Now().Add(probation), func() { ps.endProbation(a) })
	return true
}

// acquit ends the probation of an attempt, if it is on any.
func (ps *pools) acquit(a *attempt) {
	if a.probation == nil {
		return
	}
	ps.timers.stop(a.probation)
	a.probation = nil
	ps.suspects.watched--
	ps.suspects.room++
}

// endProbation is for one that still runs.
func (ps *pools) endProbation(a *attempt) {
	ps.mu.Lock()
	ps.acquit(a)
	var granted []*attempt
	for _, p := range ps.readmit() {
		granted = append(granted, ps.grant(p)...)
	}
	ps.mu.Unlock()
	deliver(granted)
}

// readmit queues suspects again for which there is room, and gives their pools.
func (ps *pools) readmit() (touched []*pool) {
	s := &ps.suspects
	n := max(0, min(s.room-s.watched, len(s.held)))
	for _, a := range s.held[:n] {
		a.place = queued
		a.pool.queue.add(a.pool, []*attempt{a})
		if !slices.Contains(touched, a.pool) {
			touched = append(touched, a.pool)
		}
	}
	s.held = s.held[n:]
	return touched
}

// forget drops one that was held back and is not wanted any more.
func (s *suspects) forget(a *attempt) {
	s.held = slices.DeleteFunc(s.held, func(other *attempt) bool { return other == a })
}
