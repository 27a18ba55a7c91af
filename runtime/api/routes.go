package api

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// route is one line of the table: what may be asked, through which doors, and
// who answers.
type route struct {
	method  string
	pattern string // segments; {stack}, {name} and {hash} stand for one that is an id
	access  access
	serve   func(*Handler, http.ResponseWriter, *http.Request, params) error
	doc     string
}

// access says who may use a route.
type access int

const (
	operate access = iota // who has the token. The zero value: a route that says nothing is not open
	local                 // only through a trusted door: it takes definitions to run, or names files
	open                  // everybody who reaches the port
)

// params are the ids in a path.
type params map[string]string

// routes is the whole API. GET changes nothing.
var routes = []route{
	{"GET", "/health", open, (*Handler).health, "whether the engine answers"},
	{"GET", "/v1/server", operate, (*Handler).server, "who owns the store"},
	{"GET", "/v1/stacks", operate, (*Handler).listStacks, "all stacks"},
	{"POST", "/v1/stacks", operate, (*Handler).startStack, "start a stack"},
	{"GET", "/v1/stacks/{stack}", operate, (*Handler).stackStatus, "where a stack stands"},
	{"GET", "/v1/stacks/{stack}/state", operate, (*Handler).stackState, "its state, now or `?at=CYCLE[.WAVE]`"},
	{"GET", "/v1/stacks/{stack}/snapshot", operate, (*Handler).snapshot, "all that is needed to go on with it"},
	{"GET", "/v1/stacks/{stack}/base", operate, (*Handler).base, "the same, where its kept history begins"},
	{"GET", "/v1/stacks/{stack}/records", operate, (*Handler).records, "its records as JSON lines or server-sent events"},
	{"POST", "/v1/stacks/{stack}/events", operate, (*Handler).send, "send it an event"},
	{"POST", "/v1/stacks/{stack}/answers", operate, (*Handler).answer, "answer a waiting node"},
	{"POST", "/v1/stacks/{stack}/wake", operate, (*Handler).wake, "end its pause between two cycles"},
	{"POST", "/v1/stacks/{stack}/pause", operate, (*Handler).pause, "start no new wave"},
	{"POST", "/v1/stacks/{stack}/resume", operate, (*Handler).resume, "go on after pause"},
	{"POST", "/v1/stacks/{stack}/stop", operate, (*Handler).stop, "end it when its open wave is committed"},
	{"POST", "/v1/stacks/{stack}/cancel", operate, (*Handler).cancel, "end it as cancelled, or one of its tasks"},
	{"POST", "/v1/stacks/{stack}/remove", operate, (*Handler).remove, "delete it and its history"},
	{"GET", "/v1/graphs", operate, (*Handler).listGraphs, "the graphs that stacks can be started of"},
	{"GET", "/v1/graphs/{hash}", operate, (*Handler).storedGraph, "a stored definition by its hash"},
	{"POST", "/v1/reload", operate, (*Handler).reload, "read the graph files again"},
	{"GET", "/v1/pools", operate, (*Handler).listPools, "what runs and waits in the pools"},
	{"POST", "/v1/graphs/{name}/pools/{pool}", operate, (*Handler).setPool, "change a pool's limit"},
	{"POST", "/v1/backup", local, (*Handler).backup, "copy the store to a file"},
}

// Routes lists method, path and meaning of every route, for the docs.
func Routes() [][3]string {
	var out [][3]string
	for _, r := range routes {
		out = append(out, [3]string{r.method, r.pattern, r.doc})
	}
	return out
}

// idForm is what may stand for an id in a path. It is narrower than what URLs
// can say: no escapes, no dots at the front.
var idForm = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`)

// find looks a request up in the table, by its path as it was sent: an escaped
// slash is not a slash, and no escape is needed for any id.
func find(r *http.Request) (route, params, error) {
	path := r.URL.EscapedPath()
	if strings.Contains(path, "%") {
		return route{}, nil, errorf(CodeNotFound, "no such path: ids need no escapes")
	}
	var methods []string
	for _, candidate := range routes {
		p, ok := match(candidate.pattern, path)
		if !ok {
			continue
		}
		if candidate.method == r.Method || candidate.method == http.MethodGet && r.Method == http.MethodHead {
			return candidate, p, nil
		}
		methods = append(methods, candidate.method)
	}
	if len(methods) > 0 {
		return route{}, nil, errorf(CodeMethod, "method %s is not for this path, expected %s", r.Method, strings.Join(slices.Compact(methods), " or "))
	}
	return route{}, nil, errorf(CodeNotFound, "no such path: %q", path)
}

func match(pattern, path string) (params, bool) {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return nil, false
	}
	p := params{}
	for i, w := range want {
		name, isID := strings.CutPrefix(w, "{")
		switch {
		case !isID && w != got[i]:
			return nil, false
		case isID && !idForm.MatchString(got[i]):
			return nil, false
		case isID:
			p[strings.TrimSuffix(name, "}")] = got[i]
		}
	}
	return p, true
}
