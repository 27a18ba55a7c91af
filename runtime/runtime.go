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
	"github.com/graphrun/graphrun/runtime/feed"
	"github.com/graphrun/graphrun/runtime/internal/fleet"
	"github.com/graphrun/graphrun/runtime/internal/pool"
	"github.com/graphrun/graphrun/runtime/internal/timer"
)

// DefaultLoaded is how many stacks that wait are kept in memory.
const DefaultLoaded = 5000

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
	// Feed tells its listeners of every commit of every stack once the store has it.
	// Defaults to a new one; see Runtime.Feed.
	Feed *feed.Feed
	// Loaded is how many stacks that wait are kept in memory, ready to go on;
	// the others are loaded from the store when they are due or addressed.
	// Defaults to DefaultLoaded; below zero: none.
	Loaded int
	// FailOnStoreError lets stacks end with the error when the store is in
	// trouble (a full disk): for one-shot commands. Otherwise commits are tried
	// again until there is room. See Runtime.StoreHealth.
	FailOnStoreError bool
}

// Runtime runs any number of stacks on one store. It is safe for concurrent
// use. Call Close when done with it.
type Runtime struct {
	cfg    Config
	log    *slog.Logger
	base   context.Context // the values of Open's context; never cancelled
	pools  *pool.Pools
	timers *timer.Heap
	kinds  *nodes.Session

	defs    definitions
	loads   loader
	resting resting
	storage storage
	fleets  fleet.Fleets
	aside   sync.Mutex // one stack that is not driven is addressed at a time

	couriers sync.WaitGroup

	mu      sync.Mutex
	stacks  map[string]*Stack        // that are driven; nil while one is being loaded
	visits  map[string]chan struct{} // stacks loaded for one command, each until its channel is closed
	trouble map[string]error         // why stacks are not driven any more
	failed  error                    // the store cannot be used any more
	closed  bool
	gone    bool // Close has returned: nothing may be written any more
}

// Open makes a runtime. The values of ctx are handed to every task; its end
// stops nothing: call Close. Errors: ErrStoreInUse while another runtime of this
// process has the store, or what is wrong with cfg.
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
	if cfg.Feed == nil {
		cfg.Feed = &feed.Feed{}
	}
	if cfg.Grace == 0 {
		cfg.Grace = DefaultGrace
	}
	switch {
	case cfg.Loaded == 0:
		cfg.Loaded = DefaultLoaded
	case cfg.Loaded < 0:
		cfg.Loaded = 0
	}
	if cfg.Nonce == nil {
		cfg.Nonce = randomNonce
	}
	rt := &Runtime{
		cfg:     cfg,
		log:     cfg.Logger,
		base:    context.WithoutCancel(ctx),
		timers:  &timer.Heap{},
		defs:    definitions{present: map[string]*definition{}, byHash: map[string]*definition{}},
		stacks:  map[string]*Stack{},
		visits:  map[string]chan struct{}{},
		trouble: map[string]error{},
	}
	rt.resting.bound = cfg.Loaded
	rt.storage.timers = rt.timers
	rt.kinds = nodes.NewSession(rt.base)
	rt.pools = pool.New(rt.timers)
	if st, ok := cfg.Store.(StoppingStore); ok {
		st.OnStop(rt.fail)
	}
	if err := rt.own(); err != nil {
		return nil, err
	}
	return rt, nil
}

// Feed tells listeners what happens to the stacks of this runtime.
func (rt *Runtime) Feed() *feed.Feed { return rt.cfg.Feed }

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

// reserve claims a stack's id, so that nobody else drives the stack. A visit is
// over in a moment and is waited for; taken is the error for any other claim.
func (rt *Runtime) reserve(ctx context.Context, id string, taken error) error {
	for {
		visit, err := rt.claim(id, taken, nil)
		if visit == nil {
			return err
		}
		select {
		case <-visit:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// claim is reserve without waiting: for an id that is being visited it returns a
// channel that is closed when the visit is over. The claim is itself a visit when
// it comes with such a channel.
func (rt *Runtime) claim(id string, taken error, visit chan struct{}) (under <-chan struct{}, err error) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	if err := rt.unusable(); err != nil {
		return nil, err
	}
	if _, claimed := rt.stacks[id]; claimed {
		if other := rt.visits[id]; other != nil {
			return other, nil
		}
		return nil, fmt.Errorf("%w: %q", taken, id)
	}
	rt.stacks[id] = nil
	if visit != nil {
		rt.visits[id] = visit
	}
	return nil, nil
}

// unusable says why the runtime takes nothing any more. Call with rt.mu held.
func (rt *Runtime) unusable() error {
	if rt.failed != nil {
		return rt.failed
	}
	if rt.closed {
		return ErrClosed
	}
	return nil
}

// admit puts a loaded stack into its reserved place; a runtime that was closed
// meanwhile takes none.
func (rt *Runtime) admit(s *Stack) error {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	if err := rt.unusable(); err != nil {
		rt.unclaim(s.name)
		return err
	}
	rt.stacks[s.name] = s
	delete(rt.trouble, s.name)
	return nil
}

// free gives a reserved id free.
func (rt *Runtime) free(id string) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	rt.unclaim(id)
}

// unclaim gives an id up. Call with rt.mu held.
func (rt *Runtime) unclaim(id string) {
	delete(rt.stacks, id)
	if visit := rt.visits[id]; visit != nil {
		delete(rt.visits, id)
		close(visit)
	}
}

// leave takes out a stack that is not driven any more.
func (rt *Runtime) leave(s *Stack) {
	rt.resting.remove(s)
	rt.mu.Lock()
	defer rt.mu.Unlock()
	if rt.stacks[s.name] == s {
		rt.unclaim(s.name)
	}
	if s.err != nil && !rt.closed && !s.visited {
		rt.trouble[s.name] = s.err
	}
}

// fail stops everything: after a fatal error of the store, only what is
// reopened from disk can be trusted.
func (rt *Runtime) fail(err error) {
	rt.mu.Lock()
	first := rt.failed == nil
	if first {
		rt.failed = err
	}
	rt.mu.Unlock()
	if !first {
		return
	}
	rt.log.Error("the store cannot be used any more; everything stops", "error", err)
	go func() { // the caller is the loop of one of them
		for _, s := range rt.Stacks() {
			if !s.putAway(err) {
				s.post(func() { s.fail(err) })
			}
		}
		rt.storage.nudge()
	}()
}
