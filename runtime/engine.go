package runtime

import (
	"context"
	"log/slog"
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

// engine is what all stacks of a runtime share.
type engine struct {
	cfg     Config
	log     *slog.Logger
	base    context.Context // the values of Open's context; never cancelled
	timers  *timer.Heap
	pools   *pool.Pools
	fleets  fleet.Fleets
	defs    definitions
	storage storage
	kinds   *nodes.Session
}
