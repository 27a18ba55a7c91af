package web

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime/api"
	"github.com/graphrun/graphrun/runtime/feed"
)

// Options of a Handler. API, Store, Kinds, Compile, Feed and Token are required.
type Options struct {
	// API is the handler of the same port. It decides who comes in and what a
	// session may do, and it serves whatever is no page.
	API *api.Handler
	// Store answers what only histories know.
	Store inspect.Reader
	Kinds graph.Kinds
	// Compile makes a runnable graph of a stored one; from its text, so that the
	// places of conditions are known.
	Compile func(journal.StoredGraph) (*graph.Graph, error)
	// Feed tells of commits, and of what models say.
	Feed *feed.Feed
	// Graphs are the graphs that are served. Defaults to none.
	Graphs api.Graphs
	// Problems are the files that were not adopted. Defaults to none.
	Problems func() []api.Refused
	// Warnings are the problems of a graph that is served all the same, with the texts of the
	// files that they are in. Defaults to none.
	Warnings func(graph string) (diag.List, map[string][]byte)
	// Read compiles a text as if it stood in a file, for a backtest. The error has its
	// problems with their places. Defaults to none: there is no backtest.
	Read func(file string, text []byte) (*graph.Graph, error)
	// ReadStep reads a recorded step of an agent, by its name within the task and its
	// content; false for one that is none. Defaults to none: no conversations are shown.
	ReadStep func(name string, content any) (Said, bool)
	// Token is that of the store: sessions are sealed under a key that is made of
	// it, and one-time links sign in with it.
	Token string
	// Secure says that browsers reach the port through TLS.
	Secure bool
	// Closing is closed when the server is about to end; streams end then.
	// Defaults to never.
	Closing <-chan struct{}
}

// Handler serves the dashboard, and the API beside it. Safe for concurrent use.
// Call Close when done with it.
type Handler struct {
	o     Options
	mux   *http.ServeMux
	seal  seal
	began string        // names this handler, so that versions of two servers differ
	news  atomic.Uint64 // commits so far
	more  broadcast     // tells of the next one
	stop  func()

	mu     sync.Mutex
	links  map[string]time.Time   // one-time codes, and when they end
	over   map[[32]byte]time.Time // sessions that were signed out, and when they would have ended
	shapes map[string][]byte      // of drawings, as JSON, by their keys
}

// New makes a Handler.
func New(o Options) (*Handler, error) {
	s, err := newSeal(o.Token)
	if err != nil {
		return nil, err
	}
	graphs := &compiled{compile: o.Compile}
	o.Compile, o.Store = graphs.of, graphs.within(o.Store)
	h := &Handler{o: o, mux: http.NewServeMux(), seal: s, began: randomText(6),
		links: map[string]time.Time{}, over: map[[32]byte]time.Time{}, shapes: map[string][]byte{}}
	h.stop = o.Feed.OnCommit("", func(feed.Commit) {
		h.news.Add(1)
		h.more.tell()
	})
	h.routes()
	return h, nil
}

// Close ends what the Handler listens to.
func (h *Handler) Close() { h.stop() }

// routes are the pages. What changes something is a POST.
func (h *Handler) routes() {
	h.mux.HandleFunc("GET /static/{file}", h.static)
	h.mux.HandleFunc("GET /sign-in", h.signInPage)
	h.mux.HandleFunc("POST /sign-in", h.signIn)
	h.mux.HandleFunc("POST /sign-out", h.signOut)
	h.mux.HandleFunc("GET /enter", h.enter)
	h.page("GET /{$}", (*visit).stacks)
	h.page("GET /live", (*visit).live)
	h.page("GET /approvals", (*visit).approvals)
	h.page("GET /graphs", (*visit).graphs)
	h.page("GET /graphs/{graph}", (*visit).graph)
	h.page("GET /graphs/{graph}/backtest", (*visit).graph) // a text that was sent, loaded again
	h.page("POST /graphs/{graph}/backtest", (*visit).backtest)
	h.page("GET /shapes/{key}", (*visit).shape)
	h.page("GET /pools", (*visit).pools)
	h.page("POST /pools", (*visit).setPool)
	h.page("GET /stacks/{stack}", (*visit).stack)
	h.page("GET /stacks/{stack}/test", (*visit).testOf)
	h.page("GET /stacks/{stack}/test.yaml", (*visit).testFile)
	h.page("POST /stacks/{stack}/{action}", (*visit).act)
	h.page("GET /stacks/{stack}/{action}", func(v *visit) error { // a form that was refused, shown again
		http.Redirect(v.w, v.r, pathTo(v.r.PathValue("stack")), http.StatusSeeOther)
		return nil
	})
}

// ours are the first segments of the dashboard's paths. All others are the API's.
var ours = map[string]bool{"": true, "static": true, "sign-in": true, "sign-out": true, "enter": true, "live": true, "stacks": true, "approvals": true, "graphs": true, "shapes": true, "pools": true}

// ServeHTTP serves a page to whoever is signed in, and everything else by the API.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	first, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if !ours[first] {
		h.o.API.ServeHTTP(w, r)
		return
	}
	protect(w.Header(), h.o.Secure)
	if err := h.o.API.Enter(r); err != nil { // by Host and Origin, as the API
		h.fail(w, err)
		return
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout)) // not every writer has one
	h.mux.ServeHTTP(w, r)
}

// writeTimeout is how long a browser may take to read a page, or a piece of a stream.
const writeTimeout = 30 * time.Second

// maxForm bounds what a form may send.
const maxForm = 1 << 20

// policy lets a page have scripts, styles and data of this server, and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func protect(h http.Header, secure bool) {
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", policy)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "same-origin") // with less, browsers send the origin "null" with forms
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	if secure {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// visit is a request of somebody who is signed in.
type visit struct {
	*Handler
	api   *api.Client // acts as the session's token
	token string
	who   api.Principal
	w     http.ResponseWriter
	r     *http.Request
	parts *parts // of the page that is made
}

// page serves a pattern to those who are signed in; others are asked to.
func (h *Handler) page(pattern string, serve func(*visit) error) {
	h.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		token, ok := h.session(r)
		if !ok {
			h.askToSignIn(w, r)
			return
		}
		who, ok := h.o.API.Principal(token)
		if !ok { // it was taken back
			h.askToSignIn(w, r)
			return
		}
		err := serve(&visit{h, h.o.API.Inside(token), token, who, w, r, &parts{}})
		var e *api.Error
		switch {
		case err == nil:
		case errors.As(err, &e) && e.Code == api.CodeUnauthorized: // the token was taken back
			h.askToSignIn(w, r)
		default:
			h.fail(w, err)
		}
	})
}
