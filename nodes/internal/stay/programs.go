package stay

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/internal/program"
)

// Limits are the times and bounds that tests shorten.
type Limits struct {
	Want    time.Duration // how long to wait for what the machine is out of
	Leave   time.Duration // from the end of its input to TERM, for a program without a task
	Kill    time.Duration // from TERM to KILL
	Drain   time.Duration // for what is still to be read of a program that has ended
	Backoff time.Duration // before the start after a program that ended; doubled for each further one
	Longest time.Duration // the most that Backoff becomes
}

// DefaultLimits are those of the engine.
var DefaultLimits = Limits{
	Want: program.WantTime, Leave: time.Second, Kill: 5 * time.Second, Drain: 500 * time.Millisecond,
	Backoff: 100 * time.Millisecond, Longest: 30 * time.Second,
}

// Programs are the programs of a process that stay. They are safe for concurrent use.
type Programs struct {
	limits Limits
	log    *slog.Logger

	naming sync.Mutex // held while a store gets the id of its programs

	// One lock for all others: what it guards takes no time.
	mu    sync.Mutex
	users int // Open without Close
	pools map[place]*pool
	live  map[*process]struct{}
	seq   uint64 // of jobs
}

// place is what has programs of its own: a node or a tool of a graph.
type place struct{ graph, node, tool string }

// logger names a place in a log.
func (at place) logger(log *slog.Logger) *slog.Logger {
	if at.tool != "" {
		return log.With("graph", at.graph, "tool", at.tool)
	}
	return log.With("graph", at.graph, "node", at.node)
}

// New makes Programs. None is started yet. log gets what programs write on standard
// error, at debug level; nil is none.
func New(l Limits, log *slog.Logger) *Programs {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Programs{limits: l, log: log, pools: map[place]*pool{}, live: map[*process]struct{}{}}
}

// Open counts a user of the programs.
func (s *Programs) Open() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users++
}

// Close ends all programs, with all that they started, when the last user closes. It
// returns when they are gone. Programs that are needed later start again.
func (s *Programs) Close() {
	s.mu.Lock()
	if s.users--; s.users > 0 {
		s.mu.Unlock()
		return
	}
	s.users = 0
	all := make([]*process, 0, len(s.live))
	for p := range s.live { // in any order: all of them end
		all = append(all, p)
		p.end(gently, nil)
	}
	s.mu.Unlock()
	for _, p := range all {
		<-p.gone
	}
}

// Program is what a node says of its program. Two of the same Text are the same program.
type Program struct {
	program.Command
	Text      string
	Parallel  int // tasks that one process may hold
	Processes int // at once
	Idle      time.Duration
	MaxOutput int64 // bytes of an output
}

// Do has a program do a task: its answer is the output. It starts the program if none is
// free and there may be more, and waits otherwise. Errors: that of the answer; kind "exit"
// when the program ended meanwhile, "output" for a line that is no answer, and "config"
// when it cannot be started; the cause of ctx, once the program is gone.
//
// A task is done again when its program was ended because of another task. After the
// second time it gets a process for itself.
func (s *Programs) Do(ctx context.Context, t nodes.Task, p *Program, input any, env map[string]any) (any, error) {
	j := &job{task: &t, line: taskLine(&t, input, env), max: p.MaxOutput, ctx: ctx}
	s.mu.Lock()
	at := place{graph: t.Graph, node: t.Node}
	if t.Tool != "" { // whatever nodes call it
		at = place{graph: t.Graph, tool: t.Tool}
	}
	pool := s.pool(at, p)
	pool.users, pool.store = pool.users+1, &t
	s.seq++
	j.seq = s.seq
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		pool.users--
		pool.forgetIfEmpty()
	}()
	for {
		out, err := s.try(ctx, pool, j)
		if !errors.Is(err, errCutOff) {
			return out, err
		}
		if j.sent {
			j.cuts++
		}
	}
}

// maxCuts is how often a task is cut off by others before it gets a process for itself.
const maxCuts = 2

// errCutOff ends a try because of another task.
var errCutOff = errors.New("cut off by another task")

// try has the task done once.
func (s *Programs) try(ctx context.Context, of *pool, j *job) (any, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	j.done, j.over, j.sent, j.after = make(chan struct{}), false, false, nil
	of.enqueue(j)
	of.dispatch()
	s.mu.Unlock()
	select {
	case <-j.done:
		return j.result()
	case <-ctx.Done():
	}
	s.mu.Lock()
	if j.over {
		s.mu.Unlock()
		return j.result()
	}
	on := of.withdraw(j)
	s.mu.Unlock()
	if on != nil {
		<-on.gone
	}
	return nil, context.Cause(ctx)
}

// pool finds the programs of a place, under s.mu. Those of another text end as soon as
// they have no task.
func (s *Programs) pool(at place, p *Program) *pool {
	now := s.pools[at]
	if now == nil || now.program.Text != p.Text {
		if now != nil {
			now.retire()
		}
		now = &pool{of: s, at: at, program: p}
		s.pools[at] = now
	}
	return now
}

// idName is the name under which a store keeps the id of its programs.
const idName = "programs that stay"

// id is what marks the programs of a store: it is stored before the first of them starts,
// so that those of a killed engine are found. One asks at a time: of two ids only one could
// be stored.
func (s *Programs) id(ctx context.Context, t *nodes.Task) (string, error) {
	if t.Kept == nil || t.Keep == nil {
		return rand.Text(), nil
	}
	s.naming.Lock()
	defer s.naming.Unlock()
	known, err := t.Kept(ctx, idName)
	if known != "" || err != nil {
		return known, err
	}
	fresh := rand.Text()
	return fresh, t.Keep(ctx, idName, fresh)
}

// Reap ends the programs of an engine that was killed. kept reads what its store has kept.
func (s *Programs) Reap(ctx context.Context, kept func(context.Context, string) (string, error)) error {
	known, err := kept(ctx, idName)
	if err != nil || known == "" {
		return err
	}
	if err := program.EndStaying(ctx, known, s.limits.Kill, nil); err != nil {
		return fmt.Errorf("programs that a killed engine left behind: %w", err)
	}
	return nil
}
