package runtime

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime/feed"
	"github.com/graphrun/graphrun/runtime/internal/fleet"
	"github.com/graphrun/graphrun/runtime/internal/index"
	"github.com/graphrun/graphrun/runtime/internal/pool"
	"github.com/graphrun/graphrun/runtime/internal/timer"
)

// DefaultLoaded is how many waiting stacks are kept in memory.
const DefaultLoaded = 5000

// DefaultGrace is how long running tasks may continue after their stack was stopped.
const DefaultGrace = 10 * time.Second

// Config configures a runtime.
type Config struct {
	// Store keeps the stacks. Required. Close it yourself, after the runtime.
	Store Store
	// Kinds are the kinds that graphs may use. Required.
	Kinds *nodes.Registry
	// Logger gets what no record says: late results, a store in trouble. Tasks log to it
	// too, with their names added. Secrets are masked. Defaults to no logging.
	Logger *slog.Logger
	// Secret looks up a secret by its name in the graph, and returns false when it is
	// not set. It is called whenever a stack is loaded. Defaults to no secrets.
	Secret func(name string) (string, bool)
	// Parallel replaces `parallel` of every graph's default pool, and bounds that of all
	// other pools. Pools on hold stay on hold. Defaults to what the graph says.
	Parallel int
	// Grace is how long running tasks may continue once their stack is detached or the
	// runtime closes, before they are cut off. Defaults to DefaultGrace; a negative
	// value cuts them off at once.
	Grace time.Duration
	// Nonce makes the idempotency keys of stacks with equal names unique. Defaults to 64
	// random bits; tests set it.
	Nonce func() string
	// Notices deliver what stacks say to hooks. Defaults to none.
	Notices Notices
	// Feed tells its listeners of every commit of every stack once the store has it.
	// Defaults to a new one; see Runtime.Feed.
	Feed *feed.Feed
	// Loaded is how many waiting stacks are kept in memory. The others are loaded from
	// the store when they are due or somebody addresses them. Defaults to
	// DefaultLoaded; a negative value keeps none.
	Loaded int
	// FailOnStoreError stops a stack with the error when the store rejects a commit
	// because its disk is full; one-shot commands set it. By default commits are tried
	// again until there is room. See Runtime.StoreHealth.
	FailOnStoreError bool
	// Index keeps in memory where every stack stands, some 300 bytes each, so that ListWhere,
	// Overview and Asked cost what they return. Recover fills it; until then, and without it,
	// they read all stacks.
	Index bool
}

// engine is what all stacks of a runtime share.
type engine struct {
	cfg     Config
	log     *slog.Logger
	base    context.Context // the values of Open's context; never cancelled
	busy    BusyStore       // the store, if it is one; else nil
	joining JoiningStore    // the same
	timers  *timer.Heap
	pools   *pool.Pools
	fleets  fleet.Fleets
	defs    definitions
	files   watchers
	storage storage
	kinds   *nodes.Session
	tools   *nodes.Toolbox
	index   *index.Index // nil if none is kept
}

// note tells the index where a stack stands that the store has.
func (eng *engine) note(id *journal.Identity, at *journal.Cursor) {
	if eng.index != nil {
		eng.index.Put(id, at)
	}
}

// ail tells the index whether there is trouble with a stack that is not its own.
func (eng *engine) ail(stack string, ails bool) {
	if eng.index != nil {
		eng.index.Ail(stack, ails)
	}
}

// remove deletes a stack of the store.
func (eng *engine) remove(ctx context.Context, stack string) error {
	err := eng.cfg.Store.Remove(ctx, stack)
	if eng.index != nil && (err == nil || errors.Is(err, ErrNotFound)) {
		eng.index.Remove(stack)
	}
	return err
}
