package stay

import (
	"context"
	"slices"
	"time"

	"github.com/graphrun/graphrun/nodes"
)

// job is a task on its way. All but the first five fields are guarded by Programs.mu.
type job struct {
	task *nodes.Task
	line []byte
	max  int64
	ctx  context.Context
	seq  uint64

	cuts int
	on   *process // that holds it; nil while it queues
	sent bool     // the process may have read something of it
	over bool     // done is closed

	// What follows is final when done is closed.
	done   chan struct{}
	output any
	err    error
	after  <-chan struct{} // the try is over when this is closed, too; nil if it is over
}

func (j *job) alone() bool { return j.cuts >= maxCuts }

// settle ends a try. Call it under the lock.
func (j *job) settle(output any, err error) {
	j.output, j.err, j.over, j.on = output, err, true, nil
	close(j.done)
}

// failOn ends a try that is over when its process is gone: nothing may run beside that.
func (j *job) failOn(p *process, err error) {
	j.after = p.gone
	j.settle(nil, err)
}

// pool holds the programs of one node. It is guarded by Programs.mu.
type pool struct {
	of      *Programs
	at      place
	program *Program
	users   int         // tasks that are not over
	store   *nodes.Task // whose store records the processes
	retired bool        // its text is that of the graph no more

	queue []*job // the oldest first
	procs []*process
	fails int       // programs that ended, since the last answer
	next  time.Time // when the next one may start
}

func (p *pool) enqueue(j *job) {
	i, _ := slices.BinarySearchFunc(p.queue, j, func(a, b *job) int { return int(int64(a.seq - b.seq)) })
	p.queue = slices.Insert(p.queue, i, j)
}

// dispatch gives the tasks that wait to processes, the oldest first.
func (p *pool) dispatch() {
	waiting := p.queue[:0]
	for _, j := range p.queue {
		on := p.processFor(j)
		if on == nil {
			waiting = append(waiting, j)
			continue
		}
		on.take(j)
	}
	clear(p.queue[len(waiting):])
	p.queue = waiting
}

// processFor finds the process that is to do a task, or starts one; nil if it has to wait.
func (p *pool) processFor(j *job) *process {
	most := p.program.Parallel
	if j.alone() {
		most = 1
	}
	best := p.leastBusy()
	switch {
	case best != nil && len(best.jobs) < most:
		return best
	case len(p.procs) < p.program.Processes:
		return p.start()
	case best != nil && j.alone() && !slices.ContainsFunc(p.procs, (*process).isCleared):
		best.kept = true // it takes no other task until it has none
	}
	return nil
}

// leastBusy is the process with the fewest tasks of those that take any; nil if there is
// none.
func (p *pool) leastBusy() (best *process) {
	for _, one := range p.procs {
		if one.ending || one.kept && len(one.jobs) > 0 {
			continue
		}
		if best == nil || len(one.jobs) < len(best.jobs) {
			best = one
		}
	}
	return best
}

// withdraw takes back a task whose time is over. When a process has seen it, that is ended
// and returned.
func (p *pool) withdraw(j *job) *process {
	on := j.on
	j.settle(nil, nil)
	if on == nil {
		p.queue = slices.DeleteFunc(p.queue, func(other *job) bool { return other == j })
		p.dispatch()
		return nil
	}
	on.drop(j)
	if j.sent {
		on.end(atOnce, j.task.Hurry)
	} else {
		on.rest()
		on = nil
	}
	p.dispatch()
	return on
}

// failed counts a program that ended, or that wrote what is no answer.
func (p *pool) failed() {
	wait := p.of.limits.Longest
	if p.fails < 16 {
		wait = min(wait, p.of.limits.Backoff<<p.fails)
	}
	p.fails++
	p.next = time.Now().Add(wait)
}

// retire lets the processes end when they have no task.
func (p *pool) retire() {
	p.retired = true
	for _, one := range p.procs {
		one.rest()
	}
}

// forgetIfEmpty forgets a pool that nobody uses and that has nothing to remember.
func (p *pool) forgetIfEmpty() {
	if p.users == 0 && len(p.procs) == 0 && p.fails == 0 && p.of.pools[p.at] == p {
		delete(p.of.pools, p.at)
	}
}

// result is what a try came to. Call it without the lock, when done is closed.
func (j *job) result() (any, error) {
	if j.after != nil {
		<-j.after
	}
	return j.output, j.err
}
