package nodes

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
)

// Opener is a Node with something of its own for the whole process: a client, a
// server that it starts. A driver opens it before its first attempt and closes it
// when it has ended all attempts. After an Open that failed, the attempt fails with
// its error, and the next attempt opens it again.
type Opener interface {
	Node
	// Open is not called again before Close. The values of ctx are the driver's; ctx
	// ends when the driver closes.
	Open(ctx context.Context) error
	// Close ends what Open began. No attempt runs any more.
	Close() error
}

// Reaper is a Node that may leave something behind when the process of its driver dies,
// whether or not a task was open. Drivers call the function Reap before their first attempt.
type Reaper interface {
	Node
	// Reap ends what an earlier process on the same store left behind. kept reads what was
	// kept there (Task.Keep).
	Reap(ctx context.Context, kept func(ctx context.Context, name string) (string, error)) error
}

// Reap ends what an earlier process left behind, of all kinds that can do so; a panic
// becomes an error.
func Reap(ctx context.Context, kinds *Registry, kept func(ctx context.Context, name string) (string, error)) error {
	var errs []error
	for _, name := range kinds.Names() {
		spec, _ := kinds.Spec(name)
		if r, ok := spec.Node.(Reaper); ok {
			errs = append(errs, reap(ctx, name, r, kept))
		}
	}
	return errors.Join(errs...)
}

func reap(ctx context.Context, name string, r Reaper, kept func(context.Context, string) (string, error)) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = Errorf("panic", "panic while kind %q ended what was left behind: %v", name, p)
		}
	}()
	return orNil(r.Reap(ctx, kept))
}

// Session is what the kinds of a driver have open. It is safe for concurrent use;
// make it with NewSession.
type Session struct {
	ctx context.Context
	end context.CancelFunc

	mu    sync.Mutex
	kinds map[string]*opened
}

// opened is one kind of a session.
type opened struct {
	node Opener
	turn chan struct{} // held while it is opened
	open bool
}

// NewSession makes a session with nothing open. The values of ctx go to Open; its end
// ends nothing.
func NewSession(ctx context.Context) *Session {
	s := &Session{kinds: map[string]*opened{}}
	s.ctx, s.end = context.WithCancel(context.WithoutCancel(ctx))
	return s
}

// Run does one attempt as the function Run does, and opens its kind first when that is
// an Opener that is not open yet. It waits for that until ctx ends; the kind is opened
// all the same, for the attempts that follow.
func (s *Session) Run(ctx context.Context, spec Spec, t Task) (Result, *Error) {
	if node, ok := spec.Node.(Opener); ok {
		if err := s.open(ctx, spec.Name, node); err != nil {
			e := failure(ctx, err)
			e.Message = bounded(e.Message)
			return Result{}, e
		}
	}
	return Run(ctx, spec, t)
}

func (s *Session) open(ctx context.Context, name string, node Opener) error {
	s.mu.Lock()
	o := s.kinds[name]
	if o == nil {
		o = &opened{node: node, turn: make(chan struct{}, 1)}
		s.kinds[name] = o
	}
	s.mu.Unlock()
	select {
	case o.turn <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if s.ctx.Err() != nil || o.open {
		defer func() { <-o.turn }()
		if s.ctx.Err() != nil {
			return Errorf("cancelled", "kind %q is closed", name)
		}
		return nil
	}
	opened := make(chan error, 1)
	go func() {
		defer func() { <-o.turn }()
		opened <- o.start(s.ctx, name)
	}()
	select {
	case err := <-opened:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// start opens the kind. It is called by whoever holds the turn.
func (o *opened) start(ctx context.Context, name string) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = Errorf("panic", "panic while kind %q was opened: %v", name, p)
		}
	}()
	if err := orNil(o.node.Open(ctx)); err != nil {
		return err
	}
	o.open = true
	return nil
}

// Close closes all kinds that are open. Call it when no attempt runs any more; an
// attempt that comes later fails.
func (s *Session) Close() error {
	s.end()
	s.mu.Lock()
	kinds := slices.Collect(maps.Values(s.kinds))
	s.mu.Unlock()
	var errs []error
	for _, o := range kinds {
		o.turn <- struct{}{}
		if o.open {
			errs = append(errs, o.close())
		}
		<-o.turn
	}
	return errors.Join(errs...)
}

func (o *opened) close() (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = Errorf("panic", "panic while a kind was closed: %v", p)
		}
	}()
	o.open = false
	return o.node.Close()
}
