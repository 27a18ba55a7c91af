package mcp

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/internal/program"
)

// errExpired says that a server has forgotten the session, and did nothing of what it
// was asked.
var errExpired = errors.New("the session has expired")

// session is one conversation with a server: one run of a program, or one session of an
// address.
type session struct {
	of    *server
	began time.Time
	ctx   context.Context // ends with the session
	end   context.CancelFunc
	once  sync.Once     // of close
	gone  chan struct{} // closed when it is over, and nothing of a program is left
	begun answers       // of an address, while the session began
	mark  string        // of an address: see web

	mu  sync.Mutex
	sdk *mcp.ClientSession
	cut context.CancelFunc // cuts its connection off

	// What follows is there for programs.
	program *program.Process
	pipe    *pipe
	stderr  *stderr
	failed  string // why it could not begin; set by the one start
	ended   time.Time

	listing sync.Mutex // one list at a time
	list    *toolList
	stale   atomic.Bool // the server says that its list has changed

	notes  sync.Map // progress token to func(string)
	tokens atomic.Int64
}

func newSession(of *server) *session {
	s := &session{of: of, began: time.Now(), gone: make(chan struct{}), mark: rand.Text()}
	s.ctx, s.end = context.WithCancel(of.ctx)
	context.AfterFunc(of.ctx, s.close)
	return s
}

func (s *session) isOver() bool { return s.ctx.Err() != nil }

// brokeOff reports whether an error is there because the session is over, or about to be.
func (s *session) brokeOff(err error) bool {
	return s.isOver() || errors.Is(err, mcp.ErrConnectionClosed) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrClosedPipe)
}

// close ends the session, and does not wait until it is gone. It may be called again.
func (s *session) close() {
	s.once.Do(func() {
		s.end()
		if s.pipe != nil {
			s.pipe.end(nil)
			return
		}
		go s.leave()
	})
}

// leaveTime is how long an address has to hear that the session is over.
const leaveTime = 6 * time.Second

// leave ends the session of an address.
func (s *session) leave() {
	defer close(s.gone)
	s.mu.Lock()
	sdk, cut := s.sdk, s.cut
	s.mu.Unlock()
	if sdk == nil {
		return
	}
	late := time.AfterFunc(leaveTime, cut)
	defer late.Stop()
	_ = sdk.Close()
	cut()
}

// refused are the methods by which servers ask something of their clients.
var refused = map[string]bool{"sampling/createMessage": true, "elicitation/create": true, "roots/list": true}

func (s *session) client() *mcp.Client {
	c := mcp.NewClient(&mcp.Implementation{Name: "graphrun", Version: "1"}, &mcp.ClientOptions{
		Capabilities:                &mcp.ClientCapabilities{}, // a server may ask for nothing
		MultiRoundTrip:              &mcp.MultiRoundTripOptions{Disabled: true},
		ToolListChangedHandler:      func(context.Context, *mcp.ToolListChangedRequest) { s.stale.Store(true) },
		ProgressNotificationHandler: s.progress,
	})
	c.AddReceivingMiddleware(func(next mcp.MethodHandler) mcp.MethodHandler {
		return func(ctx context.Context, method string, req mcp.Request) (mcp.Result, error) {
			if refused[method] {
				return nil, &jsonrpc.Error{Code: jsonrpc.CodeMethodNotFound, Message: method + " is refused"}
			}
			return next(ctx, method, req)
		}
	})
	return c
}

// firstVersion is the protocol that a server is asked for first: servers of all ages know
// `initialize`. Those that know only newer ones say so.
const firstVersion = "2025-11-25"

// initialize begins the session and reads the list of tools, each within the given time.
func (s *session) initialize(most time.Duration, transport mcp.Transport) error {
	err := s.connect(most, transport, &mcp.ClientSessionOptions{ProtocolVersion: firstVersion})
	if refusalOf(err) != nil {
		if s.connect(most, transport, nil) == nil {
			err = nil
		}
	}
	if err != nil {
		return err
	}
	go func() {
		_ = s.sdk.Wait() // calls that run get the error
		s.close()
	}()
	_, err = s.tools(s.ctx)
	return err
}

// connect does not bound the context of the connection, which lives on, but the time
// until there is one.
func (s *session) connect(most time.Duration, transport mcp.Transport, options *mcp.ClientSessionOptions) error {
	ctx, cut := context.WithCancel(context.WithValue(context.Background(), answersKey{}, &s.begun))
	closed := context.AfterFunc(s.ctx, cut)
	late := time.AfterFunc(most, cut)
	sdk, err := s.client().Connect(ctx, transport, options)
	inTime, open := late.Stop(), closed()
	if err == nil && inTime && open {
		s.mu.Lock()
		s.sdk, s.cut = sdk, cut
		s.mu.Unlock()
		return nil
	}
	cut()
	switch {
	case !inTime:
		err = fmt.Errorf("no answer to initialize within %s", most)
	case !open && err == nil:
		err = io.EOF
	}
	if sdk != nil {
		go func() { _ = sdk.Close() }()
	}
	return err
}

// tools is the list of tools as the server has it now. It is read again after the server
// has said that it changed.
func (s *session) tools(ctx context.Context) (*toolList, error) {
	s.listing.Lock()
	defer s.listing.Unlock()
	if s.list != nil && !s.stale.Load() {
		return s.list, nil
	}
	s.stale.Store(false) // what changes from here on is another change
	most := s.of.of.limits.start
	var seen answers
	within, cancel := context.WithTimeout(context.WithValue(ctx, answersKey{}, &seen), most)
	defer cancel()
	list, err := readTools(within, s.sdk, s.of.of.log.With("server", s.of.name))
	switch {
	case err == nil:
		s.list = list
		return list, nil
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	case within.Err() != nil:
		err = nodes.Errorf("error", "server %q: no list of tools within %s", s.of.name, most)
	default:
		err = s.trouble(ctx, err, "its tools are listed", &seen)
	}
	s.stale.Store(true)
	return nil, err
}

// call calls a tool once. Whatever comes of it, it is not called again.
func (s *session) call(ctx context.Context, t nodes.Task, server, tool string, args map[string]any) (any, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // nothing of the call is read any more
	params := &mcp.CallToolParams{Name: tool, Arguments: args}
	if args == nil {
		params.Arguments = map[string]any{}
	}
	if t.Note != nil {
		token := s.tokens.Add(1)
		s.notes.Store(float64(token), t.Note)
		defer s.notes.Delete(float64(token))
		params.SetProgressToken(token)
	}
	var seen answers
	res, err := s.sdk.CallTool(context.WithValue(ctx, answersKey{}, &seen), params)
	switch {
	case err == nil:
		return outputOf(res, s.of.of.limits.output, server, tool, t.Mask)
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	}
	return nil, s.trouble(ctx, err, "tool \""+tool+"\" ran", &seen)
}

// trouble is the failure of a question: what the server answered, or what became of it.
func (s *session) trouble(ctx context.Context, err error, during string, seen *answers) error {
	name := s.of.name
	long := &tooLongError{s.of.of.limits.message}
	refusal := refusalOf(err)
	if s.pipe == nil && seen.expired(refusal) {
		return errExpired
	}
	hide := s.of.hides.mask
	var bytes *notTextError
	switch {
	case errors.As(err, &bytes):
		return nodes.Errorf("output", "server %q, while %s: %v", name, during, bytes)
	case seen.bytes() != nil:
		return nodes.Errorf("output", "server %q, while %s: %v", name, during, seen.bytes())
	case refusal != nil && strings.HasPrefix(refusal.Message, s.mark):
		return nodes.Errorf("output", "server %q, while %s: %s%s", name, during, notText, refusal.Message[len(s.mark):])
	case refusal != nil:
		return nodes.Errorf("error", "server %q, while %s: %s", name, during, program.Beginning(refusal.Message, maxText, hide))
	case errors.As(err, &long) || seen.tooLong():
		if s.pipe != nil { // nothing comes through it any more: the next call begins another session
			s.close()
		}
		return nodes.Errorf("output", "server %q, while %s: %v", name, during, long)
	case s.pipe != nil && s.brokeOff(err):
		s.close()
		how := "it is being ended"
		if s.settled(ctx) {
			how = s.how()
		}
		return nodes.Errorf("error", "server %q ended while %s: %s", name, during, how)
	}
	if u := (*url.Error)(nil); errors.As(err, &u) {
		err = u.Err // the address may hold what no journal should
	}
	return nodes.Errorf("error", "server %q, while %s: %s", name, during, program.Beginning(err.Error(), maxText, hide))
}

// progress shows what a tool says of its progress.
func (s *session) progress(_ context.Context, req *mcp.ProgressNotificationClientRequest) {
	note, ok := s.notes.Load(req.Params.ProgressToken)
	if !ok || req.Params.Message == "" {
		return
	}
	note.(func(string))(program.Beginning(req.Params.Message, maxNote, s.of.hides.mask))
}
