package mcp

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/agent"
	"github.com/graphrun/graphrun/nodes/internal/program"
)

// Config is what Servers are made of.
type Config struct {
	// Logger gets what servers write on standard error, at debug level, and what is
	// wrong with them. Defaults to none.
	Logger *slog.Logger
	// HTTP sends the requests to servers that have an address. Defaults to a transport
	// that uses no proxy, whatever the environment says.
	HTTP http.RoundTripper
}

// Servers are the MCP servers of a process. They are safe for concurrent use.
type Servers struct {
	log    *slog.Logger
	http   http.RoundTripper
	limits limits

	mu     sync.Mutex
	users  int // Open without Close
	all    map[string]*server
	guard  *program.Guard
	guards bool // guard was started, or cannot be

	seen seen
}

// limits are what tests shorten.
type limits struct {
	start   time.Duration // for initialize, and again for the list of tools
	stop    time.Duration // from the end of its input to TERM
	kill    time.Duration // from TERM to KILL
	drain   time.Duration // for what is still to be read of a program that has ended
	backoff time.Duration // before the first restart; doubled for each further one
	steady  time.Duration // a program that ran for so long has all its restarts again
	output  int           // bytes of an output
	message int           // bytes of a message: an output, and what is around it
}

// New makes Servers. None is started yet.
func New(c Config) *Servers {
	s := &Servers{log: c.Logger, http: c.HTTP, all: map[string]*server{}, limits: limits{
		start: 10 * time.Second, stop: time.Second, kill: 5 * time.Second, drain: 500 * time.Millisecond,
		backoff: 200 * time.Millisecond, steady: 10 * time.Minute,
		output: nodes.MaxOutput, message: nodes.MaxOutput + 1<<20,
	}}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.http == nil {
		s.http = direct()
	}
	return s
}

var _ agent.Servers = (*Servers)(nil)

// Open counts a user of the servers. Those who only call Tools and Call need not open.
func (s *Servers) Open(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users++
	return nil
}

// Close ends all servers, with all that they started, when the last user closes. It
// returns when they are gone. Servers that are used later start again.
func (s *Servers) Close() error {
	s.mu.Lock()
	if s.users--; s.users > 0 {
		s.mu.Unlock()
		return nil
	}
	s.users = 0
	all, guard := s.all, s.guard
	s.all, s.guard, s.guards = map[string]*server{}, nil, false
	s.mu.Unlock()
	var ended sync.WaitGroup
	for _, v := range all {
		ended.Go(v.close)
	}
	ended.Wait()
	guard.Close()
	return nil
}

// Tools lists the tools of a server that the graph lets be called, in the order of the
// graph's list. A description of more than 4 KiB is cut, and says so; a schema of more
// than 64 KiB is left out: any arguments fit. Errors are *nodes.Error: of kind "config"
// where the graph has no such server, the server cannot start, or lacks a tool that the
// graph lists.
func (s *Servers) Tools(ctx context.Context, t nodes.Task, server string) ([]agent.ToolSpec, error) {
	entry, err := entryOf(t, server)
	if err != nil {
		return nil, err
	}
	var specs []agent.ToolSpec
	err = s.with(ctx, t, entry, func(_ *session, tools *toolList) error {
		specs = specs[:0]
		for _, allowed := range entry.Tools {
			spec, ok := tools.find(allowed.Name)
			if !ok {
				return lacks(server, allowed.Name)
			}
			specs = append(specs, spec)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return specs, nil
}

// Call calls one tool once. Its output is the structured content, or else the texts of
// its parts, joined by line ends: a link counts as its address, an embedded resource as
// its text. Images and other parts are left out; if nothing else came, a line for each
// says what it was. Errors are *nodes.Error: kind "error" for what the tool reports, and
// for a server that is not reached or ended meanwhile; kind "output" for an output of
// more than 64 MiB; those of Tools besides; and the cause of ctx when it ends.
func (s *Servers) Call(ctx context.Context, t nodes.Task, server, tool string, args any) (any, error) {
	entry, err := entryOf(t, server)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(entry.Tools, func(a graph.ServerTool) bool { return a.Name == tool }) {
		return nil, badConfig("the tools of server %q in the graph do not list %q", server, tool)
	}
	fields, ok := args.(map[string]any)
	if !ok && args != nil {
		return nil, badConfig("the arguments of tool %q of server %q are no object", tool, server)
	}
	var out any
	err = s.with(ctx, t, entry, func(session *session, tools *toolList) (err error) {
		if _, ok := tools.find(tool); !ok {
			return lacks(server, tool)
		}
		out, err = session.call(ctx, t, server, tool, fields)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// with calls use with the server's session and the tools that it offers now. An address
// that has forgotten the session gets a new one, once: it did nothing of what it was
// asked.
func (s *Servers) with(ctx context.Context, t nodes.Task, entry *graph.Server, use func(*session, *toolList) error) error {
	at, err := addressOf(t, entry)
	if err != nil {
		return err
	}
	v := s.server(entry.Name, at)
	v.hides.add(t)
	for again := true; ; again = false {
		session, err := v.get(ctx)
		if err != nil {
			return err
		}
		tools, err := session.tools(ctx)
		if err == nil {
			s.seen.compare(ctx, t, entry.Name, tools, s.log)
			err = use(session, tools)
		}
		if !errors.Is(err, errExpired) {
			return err
		}
		v.drop(session)
		if !again {
			return nodes.Errorf("error", "server %q forgets its sessions at once", entry.Name)
		}
	}
}

func (s *Servers) server(name string, at *address) *server {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.all[at.key]
	if v == nil {
		v = newServer(s, name, at)
		s.all[at.key] = v
	}
	return v
}

// guarded is the guard of the programs; nil where there can be none.
func (s *Servers) guarded() *program.Guard {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.guards {
		var err error
		if s.guard, err = program.NewGuard(); err != nil {
			s.log.Debug("servers that ignore the end of their input may outlive a killed process", "error", err)
		}
		s.guards = true
	}
	return s.guard
}

func entryOf(t nodes.Task, server string) (*graph.Server, error) {
	if t.Of != nil {
		for i := range t.Of.Servers {
			if e := &t.Of.Servers[i]; e.Name == server {
				return e, nil
			}
		}
	}
	return nil, badConfig("the graph has no server %q", server)
}

func lacks(server, tool string) error {
	return badConfig("server %q has no tool %q, which the graph lists", server, tool)
}

// badConfig is a failure that no second attempt can mend.
func badConfig(format string, args ...any) *nodes.Error {
	return nodes.Permanent(nodes.Errorf("config", format, args...))
}
