package lsp

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/graphrun/graphrun/graph"
)

// Options are what a server needs beside its streams.
type Options struct {
	Kinds   graph.Kinds       // what `uses` may name
	Version string            // of the program; may be ""
	Log     func(text string) // may be called from several goroutines; nil drops what is said
	// LastRun gives the last run of a graph; nil if there is none, or none that can be read
	// at once. LastRun itself is nil where no runs are known.
	LastRun func(ctx context.Context, ask RunOf) *Run
}

// RunOf asks for the last run of the graph of a file.
type RunOf struct {
	File  string // its path
	Graph string // its name
	Node  string // whose decision is wanted too; "" for none
}

// Run is what an editor shows of a run.
type Run struct {
	Stack  string
	Status string
	Cycle  uint64
	State  map[string]any
	Node   string // what became of the node that was asked for, in words
}

// ErrNoShutdown says that the editor went away without a shutdown request.
var ErrNoShutdown = errors.New("the editor ended the session without a shutdown request")

// Serve speaks with one editor until the editor ends the session, the input ends, or ctx
// does. It returns nil after an orderly end, ErrNoShutdown after another one, and the error
// of a stream that cannot be read or written. Only Serve writes to out while it runs.
func Serve(ctx context.Context, in io.Reader, out io.Writer, o Options) error {
	s := &session{Options: o, ctx: ctx, out: out, open: map[string]*document{}, others: map[string]map[string]bool{}, checks: make(chan checked, 1)}
	frames := make(chan frame, 64)
	done := make(chan struct{})
	defer close(done)
	go read(in, frames, done)
	for {
		var f frame
		select {
		case f = <-frames: // a request that is there already is answered before a check begins
		default:
			s.beginCheck()
			select {
			case f = <-frames:
			case c := <-s.checks:
				if err := s.endCheck(c); err != nil {
					return err
				}
				continue
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		switch {
		case errors.Is(f.err, io.EOF):
			return s.ended()
		case f.err != nil:
			return f.err
		}
		over, err := s.take(f.body)
		if err != nil {
			return err
		}
		if over {
			return s.ended()
		}
	}
}

// frame is a message that was read, or why none can be read any more.
type frame struct {
	body []byte
	err  error
}

// read sends the messages of an input until it ends or nobody wants them any more.
func read(in io.Reader, frames chan<- frame, done <-chan struct{}) {
	r := bufio.NewReader(in)
	for {
		body, err := readFrame(r)
		select {
		case frames <- frame{body, err}:
		case <-done:
			return
		}
		if err != nil {
			return
		}
	}
}

// session is one editor's session. It answers one message at a time.
type session struct {
	Options
	ctx     context.Context // of Serve, which the session does not outlive
	out     io.Writer
	started bool
	closing bool // after shutdown
	client  clientParams
	open    map[string]*document
	due     []string  // URIs of texts whose problems are not published yet
	running *document // the text that is being checked; nil for none
	checks  chan checked
	others  map[string]map[string]bool // by URI, the other files that it has shown problems of
}

func (s *session) ended() error {
	if s.closing {
		return nil
	}
	return ErrNoShutdown
}

// take answers one message; over says that it was the last.
func (s *session) take(body []byte) (over bool, err error) {
	var m message
	if err := json.Unmarshal(body, &m); err != nil {
		if bytes.HasPrefix(bytes.TrimSpace(body), []byte("[")) {
			return false, s.fail(nil, &rpcError{codeInvalid, "batches are not supported"})
		}
		return false, s.fail(nil, &rpcError{codeParse, err.Error()})
	}
	if m.Method == "" { // an answer to a request: the server asks for nothing
		return false, nil
	}
	if m.Method == "exit" {
		return true, nil
	}
	if m.ID == nil {
		if s.started && !s.closing {
			s.notified(m)
		}
		return false, nil
	}
	result, err := s.request(m)
	if err != nil {
		var known *rpcError
		if !errors.As(err, &known) {
			known = &rpcError{codeInternal, err.Error()}
		}
		return false, s.fail(m.ID, known)
	}
	return false, s.send(response{"2.0", m.ID, result})
}

// request gives the result of a request. A panic is the failure of this one request: the
// texts of the session are still right.
func (s *session) request(m message) (result any, err error) {
	defer s.survive(m.Method, &err)
	switch {
	case m.Method == "initialize":
		if s.started {
			return nil, &rpcError{codeInvalid, "the session has begun already"}
		}
		s.started = true
		return s.initialize(m.Params), nil
	case !s.started:
		return nil, &rpcError{codeNotStarted, "expected initialize first"}
	case s.closing:
		return nil, &rpcError{codeInvalid, "the session was shut down"}
	case m.Method == "shutdown":
		s.closing = true
		return nil, nil
	}
	if answer, ok := answers[m.Method]; ok {
		return answer(s, m.Params)
	}
	return nil, &rpcError{codeNoMethod, fmt.Sprintf("the method %q is not known", m.Method)}
}

// answers are the requests that the server knows beside those of the session itself.
var answers = map[string]func(*session, json.RawMessage) (any, error){
	"textDocument/completion":        atPlace((*session).complete),
	"textDocument/hover":             atPlace((*session).hover),
	"textDocument/definition":        atPlace((*session).definition),
	"textDocument/references":        atPlace((*session).references),
	"textDocument/documentHighlight": atPlace((*session).highlights),
	"textDocument/prepareRename":     atPlace((*session).prepareRename),
	"textDocument/rename":            atPlace((*session).rename),
	"textDocument/documentSymbol":    atPlace((*session).symbols),
}

// atPlace finds the open text for an answer about a place.
func atPlace(answer func(*session, *document, placeParams) (any, error)) func(*session, json.RawMessage) (any, error) {
	return func(s *session, params json.RawMessage) (any, error) {
		var p placeParams
		if err := json.Unmarshal(params, &p); err != nil {
			return nil, &rpcError{codeBadParams, err.Error()}
		}
		d := s.open[p.Document.URI]
		if d == nil {
			return nil, &rpcError{codeBadParams, fmt.Sprintf("%q is not open", p.Document.URI)}
		}
		return answer(s, d, p)
	}
}

func (s *session) survive(method string, err *error) {
	if p := recover(); p != nil {
		s.logf("%s: %v\n%s", method, p, debug.Stack())
		*err = &rpcError{codeInternal, fmt.Sprintf("%s failed: %v", method, p)}
	}
}

func (s *session) logf(format string, args ...any) {
	if s.Log != nil {
		s.Log(fmt.Sprintf(format, args...))
	}
}

// initialize notes what the editor can do, and says what the server can.
func (s *session) initialize(params json.RawMessage) initializeResult {
	var p clientParams
	if err := json.Unmarshal(params, &p); err != nil {
		s.logf("initialize: %v", err)
	}
	s.client = p
	return initializeResult{
		Capabilities: capabilities{
			Encoding: "utf-16", Sync: syncOptions{OpenClose: true, Change: 2},
			Completion: completionOptions{Triggers: []string{".", " ", "\"", "'", "{", "[", ",", "#", "/"}},
			Hover:      true, Definition: true, References: true, Highlight: true, Symbols: true,
			Rename: renameOptions{Prepare: true},
		},
		Server: serverInfo{Name: "graphrun", Version: s.Version},
	}
}

// notified handles a message that has no answer. One that makes no sense is logged.
func (s *session) notified(m message) {
	var err error
	defer func() {
		if err != nil {
			s.logf("%s: %v", m.Method, err)
		}
	}()
	defer s.survive(m.Method, &err)
	switch m.Method {
	case "textDocument/didOpen":
		var p didOpenParams
		if err = json.Unmarshal(m.Params, &p); err == nil {
			d := newDocument(p.Document.URI, p.Document.Version, p.Document.Text)
			s.open[d.uri] = d
			s.changed(d)
		}
	case "textDocument/didChange":
		var p didChangeParams
		if err = json.Unmarshal(m.Params, &p); err == nil {
			err = s.edit(p)
		}
	case "textDocument/didClose":
		var p documentParams
		if err = json.Unmarshal(m.Params, &p); err == nil {
			err = s.closeDocument(p.Document.URI)
		}
	case "textDocument/didSave", "workspace/didChangeWatchedFiles":
		for _, d := range s.open { // a graph may run another one, whose file has changed
			d.set(d.text) // what is known of it no longer counts
			s.check(d)
		}
	}
}

func (s *session) edit(p didChangeParams) error {
	d := s.open[p.Document.URI]
	if d == nil {
		return fmt.Errorf("%q is not open", p.Document.URI)
	}
	for _, c := range p.Changes {
		if err := d.change(c); err != nil {
			return err
		}
	}
	d.version = p.Document.Version
	s.changed(d)
	return nil
}

func (s *session) send(v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return writeFrame(s.out, body)
}

func (s *session) fail(id json.RawMessage, e *rpcError) error {
	if id == nil {
		id = json.RawMessage("null")
	}
	return s.send(failure{"2.0", id, e})
}
