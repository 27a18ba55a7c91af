package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
	"github.com/graphrun/graphrun/runtime/boltstore"
)

// maxLocalBody is what a request through a trusted door may carry: a graph and
// an initial state.
const maxLocalBody = 256 << 20

// connect gives a client of the backend. That of graphrun is whoever owns the store of --db: the process that
// runs, through its control socket, or nobody, and then this command itself
// for as long as it takes, with a runtime that drives nothing. Both answer the
// same way, since both are the same handler. The store must be there, unless
// the command may begin one.
func (a *app) connect(ctx context.Context, begin bool) (*api.Client, error) {
	if !a.inFile() {
		return a.program.Backend.Connect(ctx, &Shell{a}, begin)
	}
	var opened error
	for range 2 { // an owner may go, or come, between the two looks
		c, err := api.DialOwner(ctx, a.db)
		if err == nil {
			return c, nil
		}
		if !errors.Is(err, api.ErrNoOwner) {
			return nil, a.outOfReach(err)
		}
		if _, err := os.Stat(a.db); !begin && errors.Is(err, os.ErrNotExist) {
			return nil, a.noStore()
		}
		store, err := a.openStore(string(runtime.DurabilityWave))
		if err == nil {
			return a.ownBriefly(ctx, store)
		}
		opened = err
	}
	return nil, opened
}

// toRead runs f with a reader of the store, and with a client of its owner, or nil if nobody
// owns it: then the file is opened to be read only, which is faster.
func (a *app) toRead(ctx context.Context, f func(inspect.Reader, *api.Client) error) error {
	if !a.inFile() {
		return a.through(ctx, func(c *api.Client) error { return f(c.Store(), c) })
	}
	var opened error
	for range 2 { // as in connect
		c, err := api.DialOwner(ctx, a.db)
		if err == nil {
			return firstOf(said(f(c.Store(), c)), c.Close())
		}
		if !errors.Is(err, api.ErrNoOwner) {
			return a.outOfReach(err)
		}
		if _, err := os.Stat(a.db); errors.Is(err, os.ErrNotExist) {
			return a.noStore()
		}
		store, err := boltstore.Open(a.db, boltstore.Options{Logger: a.logger(), CreatedBy: "graphrun " + version, ReadOnly: true})
		if err == nil {
			return firstOf(f(store, nil), store.Close())
		}
		opened = err
	}
	return opened
}

func (a *app) noStore() error {
	return usagef("there is no store at %s (choose another with --db)", a.db)
}

// outOfReach is the error for an owner that is there and cannot be talked to.
func (a *app) outOfReach(err error) error {
	if pid := boltstore.Owner(a.db); errors.Is(err, api.ErrSilent) && pid > 0 {
		err = fmt.Errorf("database %q is in use by process %d, which does not answer", a.db, pid)
	}
	return &runtime.StoreError{Path: a.db, Err: err}
}

var errNoOwner = errors.New("nobody runs the store")

// ownBriefly is a client of a store that nobody else owns.
func (a *app) ownBriefly(ctx context.Context, store *boltstore.Store) (*api.Client, error) {
	rt, err := runtime.Open(context.WithoutCancel(ctx), runtime.Config{
		Store: store, Kinds: a.kinds(), Logger: a.logger(), Secret: os.LookupEnv, FailOnStoreError: true,
		// They stay in the store: an owner delivers them.
		Notices: runtime.Notices{Post: func(context.Context, runtime.Notice) error { return errNoOwner }},
	})
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	o := a.doorOptions(store, runtime.DurabilityWave, "")
	o.Rest = true
	h := api.New(api.Local(rt), o)
	return api.Direct(h, func() error {
		return firstOf(rt.Close(context.WithoutCancel(ctx)), store.Close())
	}), nil
}

// doorOptions are those of the control socket; command is what owns the store.
func (a *app) doorOptions(store *boltstore.Store, durability runtime.Durability, command string) api.Options {
	path := a.db
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	return api.Options{
		Door: api.Door{Trusted: true, Tokens: api.OpenTokens(a.db)}, Store: store, Kinds: a.kinds(), Compile: a.compile, MaxBody: maxLocalBody,
		Backup: func(ctx context.Context, file string) error {
			if err := a.refuseTarget("backup", file); err != nil {
				return err
			}
			return backUp(ctx, store, file)
		},
		Server: api.Server{
			PID: os.Getpid(), Command: command, Version: version,
			Store: path, Durability: string(durability), Since: time.Now().UTC(),
		},
	}
}

// listenToCommands opens the control socket of a store that this process owns.
// A file system without sockets is no reason not to run: other commands then name
// the process that owns the store.
func (a *app) listenToCommands(rt *runtime.Runtime, o api.Options) (stop func()) {
	stop, err := api.ServeOwner(a.db, api.New(api.Local(rt), o), func(err error) {
		a.logger().Error("the control socket broke", "error", err)
	})
	if err != nil {
		a.notef("graphrun: no control socket, other commands cannot reach this process: %v\n", err)
		return func() {}
	}
	return stop
}

// through runs f with a client, and gives the client's store back before it
// returns.
func (a *app) through(ctx context.Context, f func(*api.Client) error) error {
	c, err := a.connect(ctx, false)
	if err != nil {
		return err
	}
	return firstOf(said(f(c)), c.Close())
}

// said gives an error of the API the exit code that it stands for.
func said(err error) error {
	var e *api.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code {
	case api.CodeGraph:
		return &exitError{exitInvalid, err}
	case api.CodeStore, api.CodeShuttingDown, api.CodeInternal, api.CodeBusy:
		return &exitError{exitStore, err}
	}
	return &exitError{exitUsage, err}
}
