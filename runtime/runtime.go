package runtime

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/graphrun/graphrun/nodes"
)

// DefaultGrace is how long running tasks may go on when a stack is stopped.
const DefaultGrace = 10 * time.Second

// Config says what a runtime works with.
type Config struct {
	// Store keeps the stacks. Required. Who opened it closes it, after the runtime.
	Store Store
	// Kinds are the kinds that graphs may use. Required.
	Kinds *nodes.Registry
	// Logger gets what no record says: late results, stores in trouble. Tasks
	// get it too, with their names. Secrets are masked in all that passes.
	// Defaults to no logging.
	Logger *slog.Logger
	// Secret looks up a secret by its name in the graph; false: it is not set.
	// It is asked when a stack starts or goes on. Defaults to none being set.
	Secret func(name string) (string, bool)
	// Parallel replaces `parallel` of every graph's default pool; other pools
	// keep theirs where it is smaller. Pools that hold stay on hold.
	// Defaults to what the graph says.
	Parallel int
	// Grace is how long running tasks may go on when a stack or the runtime is
	// stopped, before they are cut off. Defaults to DefaultGrace; below zero: none.
	Grace time.Duration
	// Nonce makes idempotency keys of stacks with equal names unique. Defaults
	// to 64 random bits; tests set it.
	Nonce func() string
	// OnCommit is called with every commit of every stack after the store has
	// it: in order for one stack, at the same time for several. The stack waits
	// for it, so it should be quick, and it may not call methods of the stack
	// that wait for it (State, Cancel, Stop, Wait). Defaults to nobody listening.
	OnCommit func(Commit)
}

// Runtime runs any number of stacks on one store. It is safe for concurrent
// use. Call Close when done with it.
type Runtime struct {
	cfg    Config
	log    *slog.Logger
	base   context.Context // the values of Open's context; never cancelled
	pools  *pools
	timers *timers

	mu     sync.Mutex
	stacks map[string]*Stack // that are driven; nil while one is being loaded
	closed bool
}

// Open makes a runtime. The values of ctx are handed to every task; its end
// stops nothing: call Close.
func Open(ctx context.Context, cfg Config) (*Runtime, error) {
	if cfg.Store == nil {
		return nil, errors.New("runtime: Config.Store is not set")
	}
	if cfg.Kinds == nil {
		return nil, errors.New("runtime: Config.Kinds is not set")
	}
	if cfg.Parallel < 0 {
		return nil, fmt.Errorf("runtime: Config.Parallel is %d, want 0 or more", cfg.Parallel)
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Grace == 0 {
		cfg.Grace = DefaultGrace
	}
	if cfg.Nonce == nil {
		cfg.Nonce = randomNonce
	}
	rt := &Runtime{
		cfg:    cfg,
		log:    cfg.Logger,
		base:   context.WithoutCancel(ctx),
		timers: &timers{},
		stacks: map[string]*Stack{},
	}
	rt.pools = newPools(rt.timers)
	return rt, nil
}

func randomNonce() string {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return fmt.Sprintf("%x", b)
}

// Stack finds a stack that this runtime drives.
func (rt *Runtime) Stack(id string) (*Stack, bool) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	s := rt.stacks[id]
	return s, s != nil
}

// Stacks are the stacks that this runtime drives, sorted by id.
func (rt *Runtime) Stacks() []*Stack {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	var out []*Stack
	for _, id := range slices.Sorted(maps.Keys(rt.stacks)) {
		if s := rt.stacks[id]; s != nil {
			out = append(out, s)
		}
	}
	return out
}

// Close stops all stacks as Stack.Stop does, at the same time, and leaves
// nothing behind: no goroutine, no timer. When ctx ends, running tasks are cut
// off without more grace. Afterwards every call gives ErrClosed. It returns
// why stacks could not take a last checkpoint.
func (rt *Runtime) Close(ctx context.Context) error {
	rt.mu.Lock()
	rt.closed = true
	rt.mu.Unlock()
	stacks := rt.Stacks()
	for _, s := range stacks {
		s.post(s.drain)
	}
	hurry := context.AfterFunc(ctx, func() {
		for _, s := range stacks {
			s.post(s.cutOffAll)
		}
	})
	defer hurry()
	var errs []error
	for _, s := range stacks {
		<-s.done
		errs = append(errs, s.err)
	}
	rt.timers.close()
	return errors.Join(errs...)
}

// reserve claims a stack's id, so that nobody else drives it. taken is the
// error for one that is claimed already.
func (rt *Runtime) reserve(id string, taken error) error {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	if rt.closed {
		return ErrClosed
	}
	if _, claimed := rt.stacks[id]; claimed {
		return fmt.Errorf("%w: %q", taken, id)
	}
	rt.stacks[id] = nil
	return nil
}

// admit puts a loaded stack into its reserved place; a runtime that was closed
// meanwhile takes none.
func (rt *Runtime) admit(s *Stack) error {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	if rt.closed {
		delete(rt.stacks, s.id.Stack)
		return ErrClosed
	}
	rt.stacks[s.id.Stack] = s
	return nil
}

// leave gives a stack's id free.
func (rt *Runtime) leave(id string) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	delete(rt.stacks, id)
}
