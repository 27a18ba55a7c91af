package runtime

import (
	"log/slog"
	"slices"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/runtime/internal/pool"
)

// post puts a letter into the mailbox: a function that the stack's loop calls.
// Letters run one at a time; those that are there together share a commit.
func (s *Stack) post(letter func()) {
	if s.enter(letter) {
		go s.loop()
	}
}

// enter is post for who can run the loop: it says whether to. Nobody is to when
// somebody does, or when the stack has to be loaded first.
func (s *Stack) enter(letter func()) bool {
	s.mu.Lock()
	s.inbox = append(s.inbox, letter)
	start, asleep := !s.looping, s.asleep
	s.looping, s.rests = true, false
	s.mu.Unlock()
	if start && asleep {
		s.rt.loads.add(s)
	}
	return start && !asleep
}

// work is an attempt that is ready to run. It gives the letter with its end.
type work func() (letter func())

// perform runs an attempt. The goroutine that has done it runs the loop, too, when
// nobody else does: to start another one for that would cost more than most of
// what there is to do.
func (s *Stack) perform(w work) {
	if s.enter(w()) {
		s.loop()
	}
}

// loop empties the mailbox and ends. The stack is loaded. For the same reason
// it does the last attempt that it began itself, so that nodes that follow each
// other need one goroutine in all; but no attempt waits for a letter or a commit.
func (s *Stack) loop() {
	for {
		s.mu.Lock()
		mail := s.inbox
		if len(mail) == 0 {
			s.looping = false
			s.rests = s.mayRest()
			rests, own := s.rests, s.own
			s.own = nil
			s.mu.Unlock()
			if rests {
				s.rt.resting.add(s)
			}
			if own == nil {
				return
			}
			if !s.enter(own()) {
				return
			}
			continue
		}
		s.inbox, s.spare = s.spare, nil
		s.mu.Unlock()
		s.handOver()
		for _, letter := range mail {
			letter()
		}
		clear(mail)
		s.spare = mail[:0]
		s.settle()
	}
}

// settle does all that can be done without another letter.
func (s *Stack) settle() {
	for !s.over {
		if err := s.adoptWhenGone(); err != nil {
			s.fail(err)
			break
		}
		rd, ok := s.gather()
		if !ok {
			break
		}
		s.handOver()
		if !s.commit(rd) {
			break
		}
		s.m.Advance()
		s.act(rd)
		s.takeOwn()
	}
	if !s.closed {
		s.deliver()
		s.removeChildren()
	}
	if s.over && len(s.ended) > 0 {
		s.rt.pools.Exchange(s.name, s.ended, nil)
		s.ended = s.ended[:0]
	}
	if !s.closed && (s.over || s.stopping) && s.away == 0 && !s.outbox.delivering && !s.clearing {
		s.close()
	}
	for _, ack := range s.acks {
		ack()
	}
	s.acks = s.acks[:0]
	s.answerWaiters()
	s.reportToFleet()
}

// gather gives new tasks to their pools and tells the machine which of them
// got a slot at once: so that their start is in the same commit.
func (s *Stack) gather() (machine.Ready, bool) {
	for {
		rd, ok := s.m.Ready()
		fresh := s.enlist(rd.Start[min(s.listed, len(rd.Start)):])
		s.listed = len(rd.Start)
		if len(fresh) == 0 && len(s.ended) == 0 {
			return rd, ok
		}
		ended := s.ended
		s.ended = nil
		s.rt.pools.Exchange(s.name, ended, fresh)
	}
}

// enlist makes attempts of tasks. A stopping stack begins none: they are in
// the store, and begin when it goes on.
func (s *Stack) enlist(tasks []machine.Task) []*pool.Ticket {
	if len(tasks) == 0 || s.stopping {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*pool.Ticket, len(tasks))
	for i, t := range tasks {
		a := &attempt{stack: s, task: t, turn: s.turn}
		a.ticket = pool.Ticket{Owner: s.name, Priority: t.Priority, Since: time.Now(), Node: t.Node, Index: t.Index,
			Granted: func(own bool) {
				if own {
					s.slotGiven(a)
					return
				}
				s.post(func() { s.slotGiven(a) })
			}}
		if t.Pool >= 0 {
			a.ticket.Pool = s.pools[t.Pool]
		}
		if old := s.attempts[t.Key]; old != nil {
			s.replaced = append(s.replaced, old)
		}
		s.attempts[t.Key] = a
		s.progress.queued(a)
		out[i] = &a.ticket
	}
	return out
}

// slotGiven tells the machine that an attempt may begin.
func (s *Stack) slotGiven(a *attempt) {
	if a.void || s.over || s.stopping {
		s.ended = append(s.ended, &a.ticket)
		return
	}
	s.step(machine.TaskRunning{At: s.now(), Key: a.task.Key, Attempt: a.task.Attempt})
	if !s.m.Runs(a.task.Key, a.task.Attempt) { // it is not wanted any more
		a.void = true
		s.ended = append(s.ended, &a.ticket)
		return
	}
	a.granted = true
	s.launching = append(s.launching, a)
}

// commit makes what the machine decided durable, and publishes it.
func (s *Stack) commit(rd machine.Ready) bool {
	if len(rd.Records) == 0 && len(rd.Changes) == 0 &&
		rd.Cursor.Status == s.cursor.Status && rd.Cursor.Hash == s.stored && rd.Cursor.WakeAt.Equal(s.cursor.WakeAt) &&
		slices.Equal(rd.Cursor.Parked, s.cursor.Parked) && slices.Equal(rd.Cursor.Ending, s.cursor.Ending) &&
		rd.Cursor.Closing == s.cursor.Closing && rd.Cursor.Stopping == s.cursor.Stopping {
		return true // only something to do
	}
	c := Commit{Stack: s.name, Records: rd.Records, Changes: rd.Changes, Cursor: rd.Cursor, Keep: s.g.History}
	if s.cursor.Seq == 0 {
		c.Create = &s.id
	}
	if rd.Cursor.Hash != s.stored {
		var err error
		if c.Graph, err = s.storedGraph(); err != nil {
			s.fail(err)
			return false
		}
	}
	s.outbox.take(s.id, s.g, rd.Records)
	s.children.take(s.id, s.g, rd.Records)
	s.pack(&c)
	if err := s.store(c); err != nil {
		s.fail(err)
		return false
	}
	if s.log.Enabled(s.rt.base, slog.LevelDebug) {
		s.log.Debug("committed", "cycle", c.Cursor.Cycle, "wave", c.Cursor.Wave, "seq", c.Cursor.Seq,
			"records", len(c.Records), "changes", len(c.Changes))
	}
	s.outbox.dirty = false
	s.keep(c.Cursor, rd.Records)
	s.arrived = s.arrived[:0]
	s.publish(c)
	return true
}

// keep notes what the store has.
func (s *Stack) keep(c journal.Cursor, records []journal.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cursor, s.stored = c, c.Hash
	s.progress.take(records)
}

// act does what a Ready asks for, now that it is durable. Attempts begin last:
// only those that are still wanted then.
func (s *Stack) act(rd machine.Ready) {
	s.listed = 0
	for _, a := range s.replaced {
		s.end(a, errReplaced)
	}
	for _, key := range rd.Cancel {
		// A key may also stand for the attempt that takes the cancelled one's place.
		if a := s.attempts[key]; a != nil && a.turn != s.turn {
			s.end(a, errReplaced)
		}
	}
	for _, o := range rd.Orphans {
		s.clear(o)
	}
	if rd.Outcome != nil {
		s.over = true
		s.endAll()
	}
	for i := range rd.Records {
		if c, ok := rd.Records[i].Body.(*journal.CycleFinished); ok && !s.over {
			s.cycleFinished(c)
		}
	}
	for _, a := range s.launching {
		if !a.void {
			s.handOver()
			s.own = s.prepare(a)
		}
	}
	s.replaced, s.launching = s.replaced[:0], s.launching[:0]
	s.turn++
	s.wakeUp(rd.WakeAt)
}

// handOver gives the attempt that the loop would do itself a goroutine of its
// own, because the loop has something else to do.
func (s *Stack) handOver() {
	if s.own != nil {
		go s.perform(s.own)
		s.own = nil
	}
}

// cycleFinished takes up a changed graph, and stops where this run was to stop.
func (s *Stack) cycleFinished(c *journal.CycleFinished) {
	if err := s.adopt(); err != nil {
		s.fail(err)
		return
	}
	s.cycles++
	// A cycle that took in an answer or a result ran no node, and may have made
	// the next one run some.
	still := c.NodeRuns == 0 && (!c.Active || c.Failed)
	idle := still && len(s.attempts) == 0 && s.away == 0 && len(s.m.Cursor().Background) == 0
	if s.after.Cycles > 0 && s.cycles >= s.after.Cycles || s.after.UntilIdle && idle {
		s.reached = true
		s.drain()
	}
}

// wakeUp sees to it that the machine is woken at t; zero: not at all.
func (s *Stack) wakeUp(t time.Time) {
	if s.stopping || s.over || s.wake != nil && t.Equal(s.wake.Time()) {
		return
	}
	s.rt.timers.Stop(s.wake)
	s.wake = nil
	switch {
	case t.IsZero():
	case t.After(time.Now()):
		s.wake = s.rt.timers.At(t, func() { s.post(s.woke) })
	default:
		s.post(s.woke)
	}
}

func (s *Stack) woke() {
	s.wake = nil
	if !s.stopping && !s.over {
		s.step(machine.Woke{At: s.now()})
	}
}

// step feeds the machine.
func (s *Stack) step(in machine.Input) {
	if s.over {
		return
	}
	if err := s.m.Step(in); err != nil {
		s.fail(err)
	}
}

// now is the time of an input.
func (s *Stack) now() time.Time { return s.clock(time.Now().UTC()) }

// clock is the time of an input that came about at a moment. It never goes back within
// a stack, and stands still while a fleet has the stack frozen.
func (s *Stack) clock(at time.Time) time.Time {
	if at.After(s.at) && !(s.marching && s.rt.fleets.Frozen(member{s})) {
		s.at = at
	}
	return s.at
}
