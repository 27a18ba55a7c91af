package stay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/internal/program"
)

// process is one run of a program. It is guarded by Programs.mu, but for what only its own
// goroutine uses.
type process struct {
	of *pool

	jobs     []*job // the longest held first
	kept     bool   // it takes no task while it has one
	answered bool
	ending   bool // it takes no task any more
	how      manner
	hurry    <-chan struct{}
	idle     *time.Timer
	since    time.Time // when it had no task any more

	stop chan struct{} // closed when it is to end
	gone chan struct{} // closed when nothing of it is left

	mute chan struct{} // closed when the program has closed its standard output

	feed   *feed
	stderr *stderr
}

// manner is how a process is ended.
type manner int

const (
	itself manner = iota // nobody ends it
	gently               // its input ends, which tells it to go
	atOnce               // TERM, then KILL
)

// start starts a process beside those that there are.
func (p *pool) start() *process {
	one := &process{of: p, stop: make(chan struct{}), gone: make(chan struct{}), mute: make(chan struct{})}
	one.feed = newFeed(one)
	one.stderr = newStderr(p.at.logger(p.of.log))
	p.procs = append(p.procs, one)
	p.of.live[one] = struct{}{}
	go one.run(p.next)
	return one
}

// isCleared reports whether it only waits for its tasks to end.
func (p *process) isCleared() bool {
	return p.kept && !p.ending && len(p.jobs) > 0 && !p.jobs[0].alone()
}

// take gives it a task.
func (p *process) take(j *job) {
	if len(p.jobs) == 0 {
		p.stderr.forget()
	}
	if p.idle != nil {
		p.idle.Stop()
	}
	j.on, p.kept = p, j.alone()
	p.jobs = append(p.jobs, j)
	p.stderr.serve(p.jobs)
	p.feed.news.Signal()
}

// drop takes a task away from it.
func (p *process) drop(j *job) {
	p.jobs = slices.DeleteFunc(p.jobs, func(other *job) bool { return other == j })
	p.stderr.belong(p.jobs)
}

// rest lets it wait for the next task, if it has none now.
func (p *process) rest() {
	if len(p.jobs) > 0 || p.ending {
		return
	}
	p.kept, p.since = false, time.Now()
	switch idle := p.of.program.Idle; {
	case p.of.retired:
		p.end(gently, nil)
	case p.idle == nil:
		p.idle = time.AfterFunc(idle, p.tired)
	default:
		p.idle.Reset(idle)
	}
}

// tired ends it when it had no task for long enough.
func (p *process) tired() {
	s := p.of.of
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(p.jobs) == 0 && time.Since(p.since) >= p.of.program.Idle {
		p.end(gently, nil)
	}
}

// end ends it. Its tasks are cut off.
func (p *process) end(how manner, hurry <-chan struct{}) {
	if p.ending {
		return
	}
	p.ending, p.how, p.hurry = true, how, hurry
	close(p.stop)
	for _, j := range p.jobs {
		j.failOn(p, errCutOff)
	}
	p.close()
}

// close is called when it takes no task any more, and has none.
func (p *process) close() {
	p.ending, p.jobs = true, nil
	if p.idle != nil {
		p.idle.Stop()
	}
	p.feed.news.Broadcast()
}

// run is its life.
func (p *process) run(begin time.Time) {
	s := p.of.of
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		p.of.procs = slices.DeleteFunc(p.of.procs, func(other *process) bool { return other == p })
		delete(s.live, p)
		close(p.gone)
		p.of.dispatch()
		p.of.forgetIfEmpty()
	}()
	prog, mark, err := p.launch(begin)
	if err != nil {
		s.mu.Lock()
		for _, j := range p.jobs {
			j.failOn(p, err)
		}
		p.close()
		s.mu.Unlock()
		return
	}
	p.seeToEnd(prog, mark)
}

// launch starts the program when its time has come. mark is what its environment has.
func (p *process) launch(begin time.Time) (prog *program.Process, mark string, err error) {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	go func() {
		select {
		case <-p.stop:
			cancel(errCutOff)
		case <-ctx.Done():
		}
	}()
	pause := time.NewTimer(time.Until(begin))
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-ctx.Done():
		return nil, "", errCutOff
	}
	s := p.of.of
	s.mu.Lock()
	s.seq++
	number, needed, owner := s.seq, len(p.jobs) > 0, p.of.store
	p.ending = p.ending || !needed
	s.mu.Unlock()
	if !needed {
		return nil, "", errCutOff
	}
	store, err := p.of.of.id(ctx, owner)
	if err != nil {
		return nil, "", fmt.Errorf("the program cannot be recorded: %w", err)
	}
	mark = store + "/" + strconv.FormatUint(number, 36)
	c := p.of.program.Command
	c.Env = append(slices.Clone(c.Env), program.StayVariable+"="+mark)
	err = program.Patiently(ctx, s.limits.Want, func() (err error) {
		prog, err = c.Start(p.feed, newLines(p), p.stderr)
		return err
	})
	var own *nodes.Error
	switch {
	case err == nil:
		return prog, mark, nil
	case ctx.Err() != nil:
		return nil, "", errCutOff
	case errors.As(err, &own):
		return nil, "", own
	}
	return nil, "", nodes.Permanent(nodes.Errorf("config", "%v", err))
}

// seeToEnd waits for the end of the program, or ends it, and returns when nothing of its
// group is left, but for what nothing can end.
func (p *process) seeToEnd(prog *program.Process, mark string) {
	s := p.of.of
	l := s.limits
	mute := false
	select {
	case <-prog.Exited():
		prog.Drained(l.Drain) // answers that are still in the pipe count
	case <-p.mute: // nobody can answer any more
		if !exits(prog, l.Drain) {
			mute = true
			prog.End(l.Kill, nil)
		}
	case <-p.stop:
		if p.how == gently {
			exits(prog, l.Leave)
		}
		prog.End(l.Kill, p.hurry)
	}
	s.mu.Lock()
	p.ending = true
	forced := mute || p.how != itself
	s.mu.Unlock()
	prog.KillAll()
	<-prog.Exited()
	if forced { // also what has left its group
		_ = program.EndStaying(context.Background(), mark, l.Kill, p.hurry) // as much as can be done
	}
	prog.Drained(l.Drain)
	prog.Close()
	p.stderr.flush()
	p.ended(prog, mute)
}

// exits waits for the end of a program, but no longer than d.
func exits(prog *program.Process, d time.Duration) bool {
	late := time.NewTimer(d)
	defer late.Stop()
	select {
	case <-prog.Exited():
		return true
	case <-late.C:
		return false
	}
}

// ended fails the tasks of a program that ended by itself.
func (p *process) ended(prog *program.Process, mute bool) {
	how := prog.State().String() // "exit status 3", "signal: killed"
	var code *int64
	if exit := int64(prog.State().ExitCode()); exit >= 0 && !mute {
		code = &exit
	}
	if mute {
		how = "it closed its standard output"
	}
	if text := p.stderr.String(); text != "" {
		how += ": " + text
	}
	s := p.of.of
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.how == itself && (len(p.jobs) > 0 || !prog.State().Success()) {
		p.of.failed()
	}
	for _, j := range p.jobs {
		if p.answered && !j.sent {
			j.failOn(p, errCutOff) // it came when the program was gone already
		} else {
			j.failOn(p, &nodes.Error{Kind: "exit", Message: how, Code: code})
		}
	}
	p.close()
}

// says takes a line that the program has written.
func (p *process) says(line []byte) {
	a, err := readAnswer(line)
	if err != nil {
		p.babbles(err.Error())
		return
	}
	s := p.of.of
	if a.log != "" {
		s.mu.Lock()
		j := p.holds(a.key)
		s.mu.Unlock()
		if j != nil {
			logLine(j.task, a.log)
		}
	}
	if !a.over {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	j := p.holds(a.key)
	if j == nil {
		return // late, or of no task
	}
	p.answered, p.of.fails = true, 0
	p.drop(j)
	switch {
	case a.failed != nil:
		j.settle(nil, a.failed)
	case int64(len(line)) > j.max && !within(a.output, j.max):
		j.settle(nil, nodes.Errorf("output", "an output of more than %d bytes (max_output)", j.max))
	default:
		j.settle(a.output, nil)
	}
	p.rest()
	p.of.dispatch()
}

// holds finds the task of an answer; nil if there is none.
func (p *process) holds(key string) *job {
	for _, j := range p.jobs {
		if j.sent && j.task.Key == key {
			return j
		}
	}
	return nil
}

// logLine logs what a program says of a task, where the lines of standard error go.
func logLine(t *nodes.Task, text string) {
	if t.Logger != nil && t.Logger.Enabled(context.Background(), slog.LevelDebug) {
		t.Logger.Debug("log", "line", program.Beginning(text, program.StderrTail, t.Mask))
	}
}

// babbles fails the oldest task of a program that wrote what is no answer, and ends it.
func (p *process) babbles(why string) {
	s := p.of.of
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.ending {
		return
	}
	why = "the program wrote a line that is no answer: " + why
	p.of.failed()
	var hurry <-chan struct{}
	if i := slices.IndexFunc(p.jobs, func(j *job) bool { return j.sent }); i >= 0 {
		j := p.jobs[i]
		hurry = j.task.Hurry
		p.drop(j)
		j.failOn(p, nodes.Errorf("output", "%s", why))
	} else {
		p.stderr.log.Warn(why)
	}
	p.end(atOnce, hurry)
}
