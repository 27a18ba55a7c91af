package api

import (
	"context"
	"net/http"
	"reflect"
	"strconv"

	"github.com/graphrun/graphrun/graph/journal"
)

// route is one line of the table: what may be asked, by whom, and what goes in
// and comes out. It is made by reads, acts or streams.
type route struct {
	method  string
	pattern string // segments; {stack}, {name}, {hash}, {pool} and {hook} stand for an id
	access  access
	doc     string
	query   []string     // the names that a query may have
	body    reflect.Type // nil if none is read
	answer  reflect.Type // nil for a stream of records, and for text
	kind    string       // the media type of an answer that is text; else ""
	serve   func(*call) error

	// narrow says that serve looks at the principal's graph itself. Routes with {stack} or
	// {name} need not; all others are closed to tokens of one graph.
	narrow bool

	// anyQuery: the query is not the API's own, serve reads it.
	anyQuery bool
}

// narrowed is a route that looks at the principal's graph itself.
func narrowed(r route) route {
	r.narrow = true
	return r
}

// access says who may use a route.
type access int

const (
	admin   access = iota // the role admin; the zero value, so a route is open only if it says so
	operate               // the role operate or admin
	read                  // whoever has a token
	local                 // only through a trusted door: it names files
	open                  // everybody who reaches the port
)

// role is what a route with this access needs; "" for an open one.
func (a access) role() Role {
	switch a {
	case open:
		return ""
	case read:
		return RoleRead
	case operate:
		return RoleOperate
	}
	return RoleAdmin
}

// params are the ids in a path.
type params map[string]string

// call is one request that the table has let in.
type call struct {
	*Handler
	ctx   context.Context
	who   Principal
	ids   params
	query map[string]string
	w     http.ResponseWriter
	r     *http.Request
}

// stack is the id of the stack that the path names.
func (c *call) stack() string { return c.ids["stack"] }

// flag reads a query parameter that is true or false, by default false. Its name alone
// stands for true.
func (c *call) flag(name string) (bool, error) {
	text, given := c.query[name]
	switch {
	case !given, text == "false":
		return false, nil
	case text == "", text == "true":
		return true, nil
	}
	return false, errorf(CodeUsage, "%s %q: expected true or false", name, text)
}

// count reads a query parameter that is a number, 1 or more; 0 if it is not there.
func (c *call) count(name string) (uint64, error) {
	text := c.query[name]
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil || n == 0 {
		return 0, errorf(CodeUsage, "%s %q: expected a number, 1 or more", name, text)
	}
	return n, nil
}

// point reads a query parameter that is a moment of a history; the zero Point if it is not
// there.
func (c *call) point(name string) (journal.Point, error) {
	at, err := journal.ParsePoint(c.query[name])
	if err != nil {
		return at, errorf(CodeUsage, "%s %v", name, err)
	}
	return at, nil
}

// reads is a GET that answers with one JSON value. It changes nothing.
func reads[Out any](pattern string, a access, doc string, f func(*call) (Out, error), query ...string) route {
	return route{
		method: http.MethodGet, pattern: pattern, access: a, doc: doc, query: query, answer: reflect.TypeFor[Out](),
		serve: func(c *call) error {
			readAll(c.w)
			out, err := f(c)
			if err != nil {
				return err
			}
			return reply(c.w, out)
		},
	}
}

// acts is a POST that takes one JSON object, and answers with one.
func acts[In, Out any](pattern string, a access, doc string, f func(*call, In) (Out, error)) route {
	return route{
		method: http.MethodPost, pattern: pattern, access: a, doc: doc, body: reflect.TypeFor[In](), answer: reflect.TypeFor[Out](),
		serve: func(c *call) error {
			var in In
			if err := decode(c.w, c.r, c.o.MaxBody, &in); err != nil {
				return err
			}
			out, err := f(c, in)
			if err != nil {
				return err
			}
			return reply(c.w, out)
		},
	}
}

// streams is a GET whose answer f writes piece by piece. An error that comes after
// the first piece breaks the connection, so that a client does not take what it
// has for all there is.
func streams(pattern string, a access, doc string, answer reflect.Type, f func(*call) error, query ...string) route {
	return route{method: http.MethodGet, pattern: pattern, access: a, doc: doc, query: query, answer: answer, serve: f}
}

// texts is a GET whose answer, of a media type, f writes.
func texts(pattern string, a access, doc, kind string, f func(*call) error, query ...string) route {
	return route{method: http.MethodGet, pattern: pattern, access: a, doc: doc, query: query, kind: kind, serve: f}
}

// Nothing is the body of a request, and the answer, that has nothing to say: {}.
type Nothing struct{}

// Told says what was done to a stack, or to a node or a task of it.
type Told struct {
	Stack string `json:"stack"`
	Path  string `json:"path,omitempty"` // of a node within the graphs that nodes run
	Node  string `json:"node,omitempty"`
	Item  string `json:"item,omitempty"`
	Done  string `json:"done"`
}

// tells is a POST that takes nothing but a stack's id. done says what was done to the stack.
func tells(pattern, doc, done string, f func(*call) error) route {
	return acts(pattern, operate, doc, func(c *call, _ Nothing) (Told, error) { return Told{Stack: c.stack(), Done: done}, f(c) })
}
