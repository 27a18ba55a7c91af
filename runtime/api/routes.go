package api

import (
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/graphrun/graphrun/internal/late"
)

// routes is the whole API.
var routes = []route{
	reads("/health", open, "whether the engine answers", (*call).health),
	reads("/healthz", open, "the same", (*call).health),
	reads("/readyz", open, "whether the store takes commits; 503 if not", (*call).ready),
	narrowed(texts("/metrics", read, "metrics for Prometheus", metricsType, (*call).metrics)),
	texts("/openapi.json", open, "this API, as OpenAPI 3.1", jsonType, (*call).openAPI),
	narrowed(reads("/v1/server", read, "who owns the store", (*call).server)),
	narrowed(streams("/v1/stacks", read, "the stacks, a page of them", reflect.TypeFor[stacksBody](), (*call).listStacks, "graph", "status", "limit", "after", "children", "full")),
	narrowed(acts("/v1/stacks", operate, "start a stack", (*call).startStack)),
	reads("/v1/stacks/{stack}", read, "where a stack stands", (*call).stackStatus, "full"),
	reads("/v1/stacks/{stack}/state", read, "its state, now or `?at=CYCLE[.WAVE]`", (*call).stackState, "at"),
	reads("/v1/stacks/{stack}/snapshot", read, "all that is needed to continue it", (*call).snapshot, "state", "records"),
	reads("/v1/stacks/{stack}/base", read, "the same, at the nearest checkpoint at or before `?at=CYCLE[.WAVE]`", (*call).base, "at"),
	reads("/v1/stacks/{stack}/explain", read, "why nodes ran or did not run, and what it waits for", (*call).explain, "node", "cycle"),
	reads("/v1/stacks/{stack}/history", read, "what it did, cycle by cycle", (*call).history, "last"),
	reads("/v1/stacks/{stack}/diff", read, "what changed in its state from `?a=` to `&b=`, each CYCLE[.WAVE]", (*call).diff, "a", "b"),
	reads("/v1/stacks/{stack}/eval", read, "the value of an expression, now or at a moment", (*call).eval, "expr", "at"),
	reads("/v1/stacks/{stack}/plan", read, "which nodes would run next", (*call).plan, "explain"),
	reads("/v1/stacks/{stack}/replay", read, "its kept history, decided again and compared", (*call).replay, "from"),
	texts("/v1/stacks/{stack}/test", read, "what it did as a test file, in `?cycles=A..B` or in all that are kept", yamlType, (*call).test, "cycles"),
	streams("/v1/stacks/{stack}/records", read, "its records as JSON lines or server-sent events", nil, (*call).records, "from", "to", "last", "types", "follow", "journal", "bulk"),
	acts("/v1/stacks/{stack}/events", operate, "send it an event", (*call).send),
	acts("/v1/stacks/{stack}/answers", operate, "answer a waiting node", (*call).answer),
	tells("/v1/stacks/{stack}/wake", "end its pause between two cycles", "woken", func(c *call) error { return c.engine.Wake(c.ctx, c.stack()) }),
	tells("/v1/stacks/{stack}/pause", "start no new wave", "paused", func(c *call) error { return c.engine.Pause(c.ctx, c.stack()) }),
	tells("/v1/stacks/{stack}/resume", "continue after pause", "resumed", func(c *call) error { return c.engine.Unpause(c.ctx, c.stack()) }),
	tells("/v1/stacks/{stack}/stop", "end it when its open wave is committed", "stopped", func(c *call) error { return c.engine.End(c.ctx, c.stack()) }),
	acts("/v1/stacks/{stack}/cancel", operate, "end it as cancelled, or one of its tasks", (*call).cancel),
	acts("/v1/stacks/{stack}/retry", operate, "continue it after its end", (*call).retry),
	acts("/v1/stacks/{stack}/fork", operate, "make a new stack that continues from a moment of it", (*call).fork),
	tells("/v1/stacks/{stack}/remove", "delete it and its history", "removed", func(c *call) error { return c.engine.Remove(c.ctx, c.stack()) }),
	narrowed(streams("/v1/records", read, "the records of all stacks, as those of one", nil, (*call).allRecords, "graph", "from", "types", "follow", "journal", "bulk")),
	narrowed(reads("/v1/approvals", read, "what waits for a person in any stack, the oldest question first", (*call).approvals, "graph", "limit", "after")),
	narrowed(reads("/v1/overview", read, "how many stacks there are of each kind, and those that need a person first", (*call).overview, "graph", "group", "find", "skip", "limit")),
	narrowed(reads("/v1/graphs", read, "the graphs that stacks can be started of", (*call).listGraphs)),
	narrowed(reads("/v1/graphs/{hash}", read, "a stored definition by its hash", (*call).storedGraph)),
	acts("/v1/reload", operate, "read the graph files again", (*call).reload),
	narrowed(reads("/v1/pools", read, "what runs and waits in the pools", (*call).listPools)),
	reads("/v1/providers", read, "what the providers of language models are asked, and what is held back", (*call).listProviders),
	acts("/v1/graphs/{name}/pools/{pool}", operate, "change a pool's limit", (*call).setPool),
	webhooks("/v1/hooks/{name}/{hook}", "give a stack of a graph an event, as a webhook of the graph says", (*call).webhook),
	reads("/v1/tokens", admin, "the tokens, without their secrets", (*call).listTokens),
	acts("/v1/tokens", admin, "make a token", (*call).addToken),
	acts("/v1/tokens/{name}/revoke", admin, "make a token worthless", (*call).revokeToken),
	acts("/v1/links", local, "make a link that signs a browser in once", (*call).link),
	acts("/v1/backup", local, "copy the store to a file", (*call).backup),
}

// Route describes one route of the API.
type Route struct {
	Method string
	Path   string   // with {stack}, {name}, {hash}, {pool} or {hook} where an id stands
	Doc    string   // what it does, in a few words
	Query  []string // the parameters that its query may have
	Body   reflect.Type
	// Answer is the type of the JSON value that a success answers; nil for a
	// stream of records. Body is nil for a GET.
	Answer reflect.Type
	// Role is the weakest that may use the route; "" for one that needs no token.
	Role Role
	// Local: only through the control socket.
	Local bool
	// Wide: not for tokens of one graph, since it is about more than that.
	Wide bool
	// Signed: the body is any, signed with the secret of a webhook, and a success is 202. The
	// query is not the API's own.
	Signed bool
}

// Routes lists all routes, in the order of the docs.
func Routes() []Route {
	var out []Route
	for _, r := range routes {
		out = append(out, Route{
			Method: r.method, Path: r.pattern, Doc: r.doc, Query: r.query, Body: r.body, Answer: r.answer,
			Role: r.access.role(), Local: r.access == local, Wide: r.wide(), Signed: r.anyQuery,
		})
	}
	return out
}

// idPattern is what may stand for an id in a path. It is narrower than what URLs
// can say: no escapes, no dots at the front.
const idPattern = `^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`

var idForm = late.Regexp(idPattern)

// find looks a request up in the table, by its path as it was sent: an escaped
// slash is not a slash, and no escape is needed for any id. methods are those
// that the path has, when the request's is none of them.
func find(r *http.Request) (rt route, p params, methods []string, err error) {
	path := r.URL.EscapedPath()
	if strings.Contains(path, "%") {
		return route{}, nil, nil, errorf(CodeNotFound, "no such path: ids need no escapes")
	}
	for _, candidate := range routes {
		p, ok := match(candidate.pattern, path)
		if !ok {
			continue
		}
		if candidate.method == r.Method || candidate.method == http.MethodGet && r.Method == http.MethodHead {
			return candidate, p, nil, nil
		}
		methods = append(methods, candidate.method)
	}
	if len(methods) > 0 {
		methods = slices.Compact(methods)
		return route{}, nil, methods, errorf(CodeMethod, "method %s is not for this path, expected %s", r.Method, strings.Join(methods, " or "))
	}
	return route{}, nil, nil, errorf(CodeNotFound, "no such path: %q", path)
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
		case isID && !idForm().MatchString(got[i]):
			return nil, false
		case isID:
			p[strings.TrimSuffix(name, "}")] = got[i]
		}
	}
	return p, true
}
