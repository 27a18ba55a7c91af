package mcp

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/internal/program"
)

// launch starts the program of a server. It lives until the session is closed or it
// ends by itself.
func (v *server) launch() (*session, error) {
	limits := v.of.limits
	s := newSession(v)
	s.stderr = newStderr(v.of.log.With("server", v.name), v.hides.mask)
	in, stdin := io.Pipe()
	s.pipe = newPipe(stdin, limits.message, v.of.log.With("server", v.name))
	err := program.Patiently(v.ctx, limits.start, func() (err error) {
		s.program, err = v.at.command.Start(in, s.pipe.stdout(), s.stderr)
		return err
	})
	var own *nodes.Error
	switch {
	case err == nil:
	case v.ctx.Err() != nil:
		return nil, v.closed()
	case errors.As(err, &own):
		return nil, own
	default:
		return nil, badConfig("server %q: %v", v.name, err)
	}
	guard := v.of.guarded()
	guard.Add(s.program.ID())
	v.work.Go(func() {
		s.seeToEnd(limits)
		guard.Remove(s.program.ID())
		close(s.gone)
	})
	return s, nil
}

// seeToEnd waits for the end of the program or of the session, and returns when nothing
// of the program's group is left, but for what nothing can end.
func (s *session) seeToEnd(limits limits) {
	p := s.program
	select {
	case <-p.Exited():
		p.Drained(limits.drain) // answers that are still in the pipe count
		s.close()
	case <-s.pipe.over:
		s.close()
		leave := time.NewTimer(limits.stop) // the end of its input tells it to go
		select {
		case <-p.Exited():
		case <-leave.C:
		}
		leave.Stop()
		p.End(limits.kill, nil)
	}
	p.KillAll()
	<-p.Exited()
	p.Drained(limits.drain)
	p.Close()
	s.stderr.flush()
	s.ended = time.Now()
}

// how says how the program ended, with the end of what it wrote on standard error. Call
// it when it is gone.
func (s *session) how() string {
	if s.failed != "" {
		return s.failed
	}
	how := s.program.State().String()
	if s.pipe.failure() != nil {
		how = s.pipe.failure().Error()
	}
	if text := s.stderr.String(); text != "" {
		how += ": " + text
	}
	return how
}

// settled waits until the program is gone, for a moment: a message may say how it ended.
func (s *session) settled(ctx context.Context) bool {
	moment := time.NewTimer(time.Second)
	defer moment.Stop()
	select {
	case <-s.gone:
		return true
	case <-moment.C:
	case <-ctx.Done():
	}
	return false
}
