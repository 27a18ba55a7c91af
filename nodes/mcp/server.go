package mcp

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/graphrun/graphrun/nodes"
)

// maxRestarts is how often a program that ended is started again.
const maxRestarts = 5

// server is one server of the process, with at most one session at a time.
type server struct {
	of    *Servers
	name  string // in the graph that used it first
	at    *address
	hides masks
	ctx   context.Context // ends when the server is closed
	end   context.CancelFunc

	mu       sync.Mutex
	live     *session // nil means that there is none, or that it could not begin
	starting *start
	work     sync.WaitGroup

	// What follows belongs to the start; there is one at a time.
	run  *session // the last run of the program
	runs int      // how often it was started
}

// start is the beginning of a session, for all who wait for it.
type start struct {
	done    chan struct{}
	session *session
	err     error
}

func newServer(of *Servers, name string, at *address) *server {
	v := &server{of: of, name: name, at: at}
	v.ctx, v.end = context.WithCancel(context.Background())
	return v
}

// get returns the session, and begins one if there is none. It waits for at most one
// start.
func (v *server) get(ctx context.Context) (*session, error) {
	v.mu.Lock()
	if v.live != nil && !v.live.isOver() {
		defer v.mu.Unlock()
		return v.live, nil
	}
	if v.ctx.Err() != nil {
		v.mu.Unlock()
		return nil, v.closed()
	}
	if v.starting == nil {
		v.starting = &start{done: make(chan struct{})}
		v.work.Go(func() { v.start(v.starting) })
	}
	st := v.starting
	v.mu.Unlock()
	select {
	case <-st.done:
		return st.session, st.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (v *server) closed() error { return nodes.Errorf("cancelled", "server %q is closed", v.name) }

// givenUp is what calls get from a program that ended too often.
func (v *server) givenUp() error {
	return nodes.Errorf("error", "server %q was started %d times and is not started again: %s", v.name, v.runs, v.run.how())
}

// start begins a session. It continues when those who wait for it are gone.
func (v *server) start(st *start) {
	if v.run != nil {
		<-v.run.gone // the program of before must not run beside the new one
		if v.run.ended.Sub(v.run.began) >= v.of.limits.steady {
			v.runs = 0
		}
	}
	session, err := v.begin()
	v.mu.Lock()
	v.starting, v.live = nil, session
	st.session, st.err = session, err
	v.mu.Unlock()
	close(st.done)
}

func (v *server) begin() (*session, error) {
	if v.at.url != nil {
		return v.reach()
	}
	if v.runs > maxRestarts {
		return nil, v.givenUp()
	}
	if v.run != nil {
		wait := time.NewTimer(v.of.limits.backoff<<max(0, v.runs-1) - time.Since(v.run.ended))
		defer wait.Stop()
		select {
		case <-wait.C:
		case <-v.ctx.Done():
			return nil, v.closed()
		}
	}
	s, err := v.launch()
	if err != nil {
		return nil, err
	}
	v.run = s
	v.runs++
	err = s.initialize(v.of.limits.start, s.pipe)
	switch {
	case err == nil:
		return s, nil
	case v.ctx.Err() != nil:
		err = v.closed()
	default:
		s.failed = v.reason(s, err)
		err = nodes.Errorf("config", "server %q cannot start: %s", v.name, s.failed)
	}
	s.close()
	return nil, err
}

// reason says why a session did not begin: how the program ended, if it did, and what it
// wrote on standard error.
func (v *server) reason(s *session, err error) string {
	if s.brokeOff(err) && s.settled(v.ctx) {
		return s.how()
	}
	why := err.Error()
	if text := s.stderr.String(); text != "" {
		why = fmt.Sprintf("%s: %s", why, text)
	}
	return why
}

// drop forgets a session that the server has forgotten.
func (v *server) drop(s *session) {
	s.close()
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.live == s {
		v.live = nil
	}
}

// close ends the server and returns when it is gone.
func (v *server) close() {
	v.mu.Lock()
	v.end() // no start begins any more
	v.mu.Unlock()
	v.work.Wait()
	for _, s := range []*session{v.live, v.run} { // no start runs any more
		if s != nil {
			s.close()
			<-s.gone
		}
	}
}
