package runtime

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime/feed"
	"github.com/graphrun/graphrun/runtime/internal/index"
	"github.com/graphrun/graphrun/runtime/internal/pool"
	"github.com/graphrun/graphrun/runtime/internal/timer"
)

// Runtime runs any number of stacks on one store. It is safe for concurrent use. Call
// Close when you are done with it.
type Runtime struct {
	engine

	loads   loader
	resting resting
	aside   chan struct{} // full during a visit, and while Recover takes stacks over: one at a time

	couriers sync.WaitGroup
	notices  notices
	reaped   sync.Once

	mu      sync.Mutex
	drives  map[string]*drive        // by stack; nil while one is being loaded
	visits  map[string]chan struct{} // the stacks that are driven for one command: closed when it is over
	trouble map[string]error         // why stacks are not driven any more
	failed  error                    // the store cannot be used any more
	closed  bool
	gone    bool // Close has returned: nothing may be written any more
}

// Open makes a runtime. Every task gets the values of ctx; the end of ctx stops
// nothing: call Close. Errors: ErrStoreInUse while another runtime of this process has
// the store, or what is wrong with cfg.
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
		engine: engine{
			cfg:    cfg,
			log:    cfg.Logger,
			base:   context.WithoutCancel(ctx),
			timers: &timer.Heap{},
			defs: definitions{store: cfg.Store, kinds: cfg.Kinds, parallel: cfg.Parallel, notices: cfg.Notices,
				named: map[string]*definition{}, byHash: map[string]*definition{}},
		},
		drives:  map[string]*drive{},
		visits:  map[string]chan struct{}{},
		aside:   make(chan struct{}, 1),
		trouble: map[string]error{},
	}
	if cfg.Index {
		rt.index = index.New()
	}
	rt.busy, _ = cfg.Store.(BusyStore)
	rt.joining, _ = cfg.Store.(JoiningStore)
	rt.files = watchers{timers: rt.timers, log: rt.log, all: map[watched]*watcher{}}
	posting, cut := context.WithCancel(rt.base)
	rt.notices = notices{Notices: cfg.Notices, ctx: posting, cut: cut, log: cfg.Logger, timers: rt.timers, boxes: rt, slots: make(chan struct{}, posts), pending: map[string]*notice{}}
	rt.resting.bound = cfg.Loaded
	rt.storage.timers = rt.timers
	rt.kinds = nodes.NewSession(rt.base)
	rt.tools = nodes.NewToolbox(cfg.Kinds, rt.kinds)
	rt.pools = pool.New(rt.timers)
	if st, ok := cfg.Store.(StoppingStore); ok {
		st.OnStop(rt.fail)
	}
	if err := rt.own(); err != nil {
		return nil, err
	}
	return rt, nil
}

// reap ends what an engine that was killed left behind on this store, before this one
// drives its first stack: nobody else has the store now.
func (rt *Runtime) reap() {
	rt.reaped.Do(func() {
		ctx, cancel := context.WithTimeout(rt.base, cleanUpTime)
		defer cancel()
		if err := nodes.Reap(ctx, rt.cfg.Kinds, rt.cfg.Store.Kept); err != nil {
			rt.log.Warn("an engine before this one has left something behind", "error", err)
		}
	})
}

// owners are the runtimes of this process by their stores. The store itself keeps other
// processes out.
var owners sync.Map

// own makes rt the only runtime of its store. A store of a type that cannot be compared
// is not checked.
func (rt *Runtime) own() error {
	if !reflect.ValueOf(rt.cfg.Store).Comparable() {
		return nil
	}
	if _, owned := owners.LoadOrStore(rt.cfg.Store, rt); owned {
		return ErrStoreInUse
	}
	return nil
}

func (rt *Runtime) disown() {
	if reflect.ValueOf(rt.cfg.Store).Comparable() {
		owners.CompareAndDelete(rt.cfg.Store, rt)
	}
}

// Feed tells listeners what happens to the stacks of this runtime.
func (rt *Runtime) Feed() *feed.Feed { return rt.cfg.Feed }

func randomNonce() string {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return fmt.Sprintf("%x", b)
}

// Stack returns the handle of a stack that this runtime drives.
func (rt *Runtime) Stack(id string) (*Stack, bool) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	if d := rt.drives[id]; d != nil {
		return &d.handle, true
	}
	return nil, false
}

// Stacks returns the stacks that this runtime drives, sorted by id.
func (rt *Runtime) Stacks() []*Stack {
	var out []*Stack
	for _, d := range rt.all() {
		out = append(out, &d.handle)
	}
	return out
}

// all are the drives, sorted by the ids of their stacks.
func (rt *Runtime) all() []*drive {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	var out []*drive
	for _, id := range slices.Sorted(maps.Keys(rt.drives)) {
		if d := rt.drives[id]; d != nil {
			out = append(out, d)
		}
	}
	return out
}

// driving returns the drive of a stack, or nil.
func (rt *Runtime) driving(id string) *drive {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	return rt.drives[id]
}

func (rt *Runtime) newDrive(id, graph string) *drive { return newDrive(&rt.engine, rt, id, graph) }

// StoreHealth says why commits wait for the store at present, and since when. err is
// nil when none waits. Small commits may still find room. Everything continues by
// itself once the cause is gone.
func (rt *Runtime) StoreHealth() (since time.Time, err error) {
	rt.storage.mu.Lock()
	defer rt.storage.mu.Unlock()
	return rt.storage.since, rt.storage.err
}

// Failed returns the fatal error of the store that has stopped everything, or nil.
// After such an error only what is reopened from disk can be trusted.
func (rt *Runtime) Failed() error {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	return rt.failed
}

// fail stops everything after a fatal error of the store: only what is reopened from
// disk can be trusted.
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
		for _, d := range rt.all() {
			if !d.putAway(err) {
				d.post(func() { d.fail(err) })
			}
		}
		rt.storage.nudge()
	}()
}
