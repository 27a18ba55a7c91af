package api

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"strings"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/runtime"
)

// silent is for what nobody needs to read.
var silent = log.New(io.Discard, "", 0)

// Options of a Handler. The zero value lets nobody in.
type Options struct {
	Door Door
	// Store has the stacks that the engine drives. Required.
	Store inspect.Reader
	// Kinds compile stored definitions. Required.
	Kinds graph.Kinds
	// Compile makes a runnable graph of a stored one, for explanations. One that reads its
	// text again says where the pieces of conditions stand. Defaults to inspect.Compile with
	// Kinds.
	Compile func(journal.StoredGraph) (*graph.Graph, error)
	// Metrics are those of GET /metrics, which without them has only how the engine stands at
	// the moment. Defaults to none.
	Metrics *Metrics
	// Providers are the providers of language models, for GET /v1/providers. Defaults to none.
	Providers func() []Provider
	// Server is what GET /v1/server answers.
	Server Server
	// MaxBody is the most bytes that a request may carry. Defaults to 1 MiB.
	MaxBody int64
	// Graphs are the graphs whose stacks can be started by name. Defaults to none.
	Graphs Graphs
	// Secret looks up the secrets that requests to webhooks are signed with. Defaults to
	// none: no request is.
	Secret func(name string) (string, bool)
	// Backup copies the store to a file that must not exist. Defaults to none: the
	// request is refused.
	Backup func(ctx context.Context, file string) error
	// Link makes a link that signs a browser in to the dashboard once. Defaults to none:
	// the request is refused.
	Link func() (string, error)
	// Rest says that the engine is not there to drive stacks: those that are
	// started wait for one that is.
	Rest bool
}

// Server says who owns a store.
type Server struct {
	PID        int       `json:"pid"`
	Command    string    `json:"command"` // run, serve
	Version    string    `json:"version"`
	Store      string    `json:"store"`
	Durability string    `json:"durability"`
	Since      time.Time `json:"since"`
}

// Graphs are the graph files that a server serves.
type Graphs interface {
	// Graph is the present definition of a name, and its text.
	Graph(name string) (*graph.Graph, []byte, bool)
	// Names are sorted.
	Names() []string
	// Reload reads the files again and adopts those that have changed.
	Reload(ctx context.Context) (Reloaded, error)
}

// Reloaded says what became of the graph files.
type Reloaded struct {
	Changed []string  `json:"changed"` // names of graphs that are new or different
	Refused []Refused `json:"refused"`
}

// Refused is a file that could not be adopted.
type Refused struct {
	File   string `json:"file"`
	Reason string `json:"reason"`
}

// Handler answers the routes of the API for one door. Safe for concurrent use.
type Handler struct {
	engine  Engine
	o       Options
	streams chan struct{}
	tape    tape
	table   []route // for what describes it
}

// New makes the handler of an engine for one door.
func New(engine Engine, o Options) *Handler {
	if o.MaxBody <= 0 {
		o.MaxBody = maxBody
	}
	h := &Handler{engine: engine, o: o, streams: make(chan struct{}, maxStreams), table: routes}
	if live, ok := engine.(Watchable); ok {
		h.tape.feed = live.Feed()
	}
	return h
}

// ServeHTTP decides by the table, then serves.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	protect(w.Header())
	rt, ids, methods, missing := find(r)
	if err := h.o.Door.admit(r); err != nil {
		fail(w, err)
		return
	}
	who, known := h.o.Door.principal(r)
	// Without a token nobody learns which paths exist, apart from the open ones.
	if !known && (missing != nil || rt.access != open) {
		fail(w, errUnauthorized)
		return
	}
	if missing != nil {
		if len(methods) > 0 {
			w.Header().Set("Allow", strings.Join(methods, ", "))
		}
		fail(w, missing)
		return
	}
	if rt.access == local && !h.o.Door.Trusted {
		fail(w, errorf(CodeForbidden, "%s %s is for the control socket only", rt.method, rt.pattern))
		return
	}
	if !who.may(rt.access) {
		fail(w, errorf(CodeForbidden, "%s %s needs a token with the role %s, this one has %s", rt.method, rt.pattern, rt.access.role(), who.Role))
		return
	}
	c := &call{Handler: h, ctx: runtime.As(WithPrincipal(r.Context(), who), who.Name), who: who, ids: ids, w: w, r: r}
	err := c.within(rt)
	if err == nil && !rt.anyQuery {
		c.query, err = queryOf(r, rt.query)
	}
	if err == nil {
		err = rt.serve(c)
	}
	if err != nil {
		fail(w, c.hidden(err))
	}
}

// stillIn reports whether the request would be let in now as it was. Its token may have been
// revoked while a stream lasts.
func (c *call) stillIn() bool {
	who, known := c.o.Door.principal(c.r)
	return known && who == c.who
}

// reply answers with one JSON value.
func reply(w http.ResponseWriter, v any) error { return replyAs(w, http.StatusOK, v) }

// replyAs is reply with another status of success.
func replyAs(w http.ResponseWriter, status int, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // as the commands write it
	if err := e.Encode(v); err != nil {
		return errorf(CodeInternal, "cannot write the answer: %v", err)
	}
	w.Header().Set("Content-Type", jsonType)
	giveTime(w)
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // a client that has gone needs no answer
	return nil
}

// giveTime starts the time that a client has to read what is written next. The time
// before, such as the wait for a wave, does not count.
func giveTime(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout)) // not every writer has one
}

// readAll says that the request is read: only its reading was to be in time,
// and a deadline that stays would end the request's context.
func readAll(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // not every writer has one
}

// Value is a state value on the wire: integers whole, keys sorted.
type Value struct{ V any }

// MarshalJSON writes the canonical form.
func (v Value) MarshalJSON() ([]byte, error) { return value.Append(nil, v.V), nil }

// UnmarshalJSON reads exactly: integers within int64 stay integers.
func (v *Value) UnmarshalJSON(b []byte) (err error) {
	v.V, err = value.Decode(b)
	return err
}

// Values are named ones.
type Values map[string]any

// MarshalJSON writes the canonical form; no values are an empty object.
func (v Values) MarshalJSON() ([]byte, error) {
	if v == nil {
		return []byte("{}"), nil
	}
	return value.Append(nil, map[string]any(v)), nil
}

// UnmarshalJSON reads an object exactly.
func (v *Values) UnmarshalJSON(b []byte) error {
	x, err := value.Decode(b)
	if err != nil {
		return err
	}
	m, ok := x.(map[string]any)
	if !ok && x != nil {
		return errorf(CodeUsage, "expected an object, found %s", value.String(x))
	}
	*v = m
	return nil
}

// healthBody says that the engine answers.
type healthBody struct {
	OK bool `json:"ok"`
}

func (c *call) health() (healthBody, error) { return healthBody{true}, nil }

func (c *call) server() (Server, error) { return c.o.Server, nil }
