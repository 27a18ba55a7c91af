package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/nodes/std"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
)

// asking is a graph whose only node asks somebody.
func asking(t *testing.T) *graph.Graph {
	t.Helper()
	p := diag.Plain
	g, problems := graph.Compile(graph.Def{
		Version: 1, Name: p("asking"),
		Nodes: []graph.NodeDef{{ID: p("ask"), Uses: p("approval"), With: tree.Of(map[string]any{"prompt": "really?"})}},
		Edges: []graph.EdgeDef{{To: []diag.Text{p("ask")}}},
		Pause: graph.PauseDef{None: true},
	}, std.Registry())
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return g
}

// ask sends one request through the trusted door.
func ask(h http.Handler, method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://localhost"+path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// TestRoutes holds every route to its line in the table: it answers with a value
// of the type that it declares, takes no other query, and no other field of a body.
func TestRoutes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.options.Backup = func(context.Context, string) error { return nil }
	r.options.Link = func() (string, error) { return "http://localhost/enter?code=x", nil }
	r.options.Providers = func() []api.Provider {
		return []api.Provider{{Provider: "openai", API: "openai", Host: "api.openai.com", Requests: api.Rate{Limit: 60, PerMS: 60_000, LastMinute: 7}, RetryAfter: time.Now(),
			Held:   []api.Held{{Why: api.HeldByRate, Questions: 1, Until: time.Now()}},
			Models: []api.Model{{Model: "m", Calls: 3, Failures: 1, Tokens: 9, Cost: 0.5, Error: "no", FailedAt: time.Now()}}}}
	}
	r.options.Server = api.Server{PID: 1, Command: "serve"}
	tokens := api.OpenTokens(filepath.Join(t.TempDir(), "s.db"))
	if _, err := tokens.Add("old", api.RoleRead, ""); err != nil {
		t.Fatal(err)
	}
	h := r.handler(api.Door{Trusted: true, Tokens: tokens})
	g := counter(t)
	if _, err := r.rt.Start(t.Context(), asking(t), runtime.StartOptions{ID: "asks"}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.rt.Start(t.Context(), g, runtime.StartOptions{ID: "over", Rest: true}); err != nil {
		t.Fatal(err)
	}
	if err := r.rt.Cancel(t.Context(), "over", ""); err != nil {
		t.Fatal(err)
	}
	// In the order of the table, which ends the stack with its last commands.
	requests := map[string]struct{ path, body string }{
		"POST /v1/stacks":                     {"/v1/stacks", `{"graph":"counter","stack":"a"}`},
		"GET /v1/stacks/{stack}/records":      {"/v1/stacks/a/records?from=1&journal=true", ""},
		"GET /v1/stacks/{stack}/state":        {"/v1/stacks/a/state?at=", ""},
		"POST /v1/stacks/{stack}/events":      {"/v1/stacks/a/events", `{"event":"seen","payload":["x"]}`},
		"POST /v1/stacks/{stack}/answers":     {"/v1/stacks/asks/answers", `{"node":"ask","approved":true}`},
		"POST /v1/stacks/{stack}/cancel":      {"/v1/stacks/a/cancel", `{"reason":"over"}`},
		"POST /v1/stacks/{stack}/retry":       {"/v1/stacks/over/retry", `{"by":"me","limits":{"cycles":5,"duration":"1h"}}`},
		"POST /v1/stacks/{stack}/fork":        {"/v1/stacks/over/fork", `{"as":"forked","set":{"n":1}}`},
		"GET /v1/graphs/{hash}":               {"/v1/graphs/" + g.Hash, ""},
		"POST /v1/graphs/{name}/pools/{pool}": {"/v1/graphs/counter/pools/default", `{"parallel":2}`},
		"POST /v1/backup":                     {"/v1/backup", `{"file":"/tmp/x"}`},
		"POST /v1/reload":                     {"/v1/reload", "{}"},
		"POST /v1/tokens":                     {"/v1/tokens", `{"name":"new","role":"operate","graph":"counter"}`},
		"POST /v1/tokens/{name}/revoke":       {"/v1/tokens/old/revoke", ""},
		"GET /v1/stacks/{stack}":              {"/v1/stacks/a?full=true", ""},
		"GET /v1/stacks":                      {"/v1/stacks?full=true&graph=asking&status=running", ""},
	}
	ids := strings.NewReplacer("{stack}", "a")
	described := descriptionOf(t, h)
	if w := ask(h, "POST", "/v1/stacks", requests["POST /v1/stacks"].body); w.Code != http.StatusOK {
		t.Fatal(w.Body)
	}
	recorded(t, r.tcp(t), "a", "cycle.finished")
	requests["POST /v1/stacks"] = struct{ path, body string }{"/v1/stacks", `{"graph":"counter","stack":"b"}`}
	for _, route := range api.Routes() {
		name := route.Method + " " + route.Path
		if route.Signed {
			continue // see TestWebhook
		}
		q, ok := requests[name]
		if !ok {
			q.path = ids.Replace(route.Path) + needs[route.Path]
		}
		if route.Method == "POST" && q.body == "" {
			q.body = "{}"
		}
		w := ask(h, route.Method, q.path, q.body)
		if w.Code != http.StatusOK {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
			continue
		}
		if route.Answer != nil {
			fits(t, name, route.Answer, w.Body.String())
			described.check(t, route, "200", w.Body.String())
		}
		path, _, _ := strings.Cut(q.path, "?")
		if w := ask(h, route.Method, path+"?nonsense=1", q.body); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), `unknown query parameter \"nonsense\"`) {
			t.Errorf("%s with an unknown query: %d %s", name, w.Code, w.Body)
		} else {
			described.check(t, route, "default", w.Body.String())
		}
		if route.Method == "GET" {
			if route.Body != nil {
				t.Errorf("%s declares the body %v", name, route.Body)
			}
			continue
		}
		if w := ask(h, route.Method, path, `{"nonsense":1}`); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), `unknown field \"nonsense\"`) {
			t.Errorf("%s with an unknown field: %d %s", name, w.Code, w.Body)
		}
	}
}

// fits checks that a JSON text is a value of a type, with no member that the type
// does not declare.
func fits(t *testing.T, name string, want reflect.Type, text string) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(reflect.New(want).Interface()); err != nil {
		t.Errorf("%s: the answer is no %v: %v\n%s", name, want, err, text)
	}
}

// TestAllow: a method that is not for a path is answered with those that are.
func TestAllow(t *testing.T) {
	t.Parallel()
	h := newRig(t).handler(api.Door{Trusted: true})
	for path, want := range map[string]string{"/v1/stacks": "GET, POST", "/v1/server": "GET", "/v1/reload": "POST"} {
		if w := ask(h, "DELETE", path, ""); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != want {
			t.Errorf("%s: %d, Allow %q, want %q", path, w.Code, w.Header().Get("Allow"), want)
		}
	}
}

// broken is a store that cannot read beyond the 150th stack and the first record.
type broken struct{ runtime.Store }

var errDamaged = &runtime.StoreError{Err: errors.New("page 7 is damaged")}

func (b broken) Stacks(ctx context.Context, fn func(runtime.Summary) error) error {
	n := 0
	return b.Store.Stacks(ctx, func(s runtime.Summary) error {
		if n++; n > 150 {
			return errDamaged
		}
		return fn(s)
	})
}

func (b broken) Records(ctx context.Context, stack string, want journal.Want, fn func(journal.Record) error) error {
	return b.Store.Records(ctx, stack, want, func(r journal.Record) error {
		if r.Seq > 1 {
			return errDamaged
		}
		return fn(r)
	})
}

// TestBrokenStream: what a client gets of a stream that cannot continue is never
// taken for the whole.
func TestBrokenStream(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	g := counter(t)
	for i := range 200 {
		if _, err := r.rt.Start(t.Context(), g, runtime.StartOptions{ID: fmt.Sprint("a", i), Rest: true}); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.rt.Cancel(t.Context(), "a0", ""); err != nil { // which is another record
		t.Fatal(err)
	}
	store := broken{r.store}
	rt, err := runtime.Open(t.Context(), runtime.Config{Store: store, Kinds: std.Registry()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rt.Close(context.Background()) })
	r.rt, r.options.Store = rt, store
	for name, c := range map[string]*api.Client{
		"tcp":    r.tcp(t),
		"direct": api.Direct(r.handler(api.Door{Trusted: true}), func() error { return nil }),
	} {
		stacks, records := 0, 0
		err := c.Stacks(t.Context(), func(api.Stack) error { stacks++; return nil })
		if stored := (*runtime.StoreError)(nil); stacks > 150 || !errors.As(err, &stored) {
			t.Errorf("%s: %d stacks, then %v", name, stacks, err)
		}
		err = c.Records(t.Context(), "a0", api.Read{}, func([]byte) error { records++; return nil })
		if stored := (*runtime.StoreError)(nil); records > 1 || !errors.As(err, &stored) {
			t.Errorf("%s: %d records, then %v", name, records, err)
		}
		if name == "direct" && (err == nil || !strings.Contains(err.Error(), "page 7 is damaged")) {
			t.Errorf("%s: it does not say why: %v", name, err)
		}
	}
}

// TestUnsafeText: what is no text is refused with its place, wherever it stands,
// and never replaced.
func TestUnsafeText(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.handler(api.Door{Trusted: true})
	if _, err := r.rt.Start(t.Context(), counter(t), runtime.StartOptions{ID: "a"}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ path, body, says string }{
		{"/v1/stacks/a/cancel", "{\"reason\":\"x\xff\"}", "byte 0xFF at offset 12 is not UTF-8"},
		{"/v1/stacks/a/cancel", `{"reason":"x\ud800"}`, "half of a surrogate pair"},
		{"/v1/stacks/a/events", "{\"event\":\"seen\",\"payload\":[\"\xc3\"]}", "byte 0xC3 at offset 28 is not UTF-8"},
		{"/v1/stacks/a/events", `{"event":"seen","payload":["\udc00"]}`, "half of a surrogate pair"},
		{"/v1/stacks", "{\"graph\":\"counter\",\"stack\":\"\xe9\"}", "is not UTF-8"},
	} {
		if w := ask(h, "POST", c.path, c.body); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), c.says) {
			t.Errorf("%q: %d, want %q: %s", c.body, w.Code, c.says, w.Body)
		}
	}
	if w := ask(h, "GET", "/v1/stacks?graph=%ff", ""); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "byte 0xFF at offset 0 is not UTF-8") {
		t.Errorf("a query: %d %s", w.Code, w.Body)
	}
	if s, err := r.rt.Status(t.Context(), "a"); err != nil || s.Cursor.Status != journal.Running || s.Cursor.Inbox != 0 {
		t.Errorf("something was taken: %+v %v", s.Cursor, err)
	}
}

// TestBackupTarget passes on the file's name as it came.
func TestBackupTarget(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var got string
	r.options.Backup = func(_ context.Context, file string) error { got = file; return nil }
	file := filepath.Join(t.TempDir(), "copy.db")
	if err := api.Direct(r.handler(api.Door{Trusted: true}), func() error { return nil }).Backup(t.Context(), file); err != nil || got != file {
		t.Errorf("got %q: %v", got, err)
	}
	if err := r.tcp(t).Backup(t.Context(), file); err == nil || !strings.Contains(err.Error(), "control socket only") {
		t.Errorf("through the open port: %v", err)
	}
}

// TestShortErrors: however much of its input an answer repeats, it has at
// most 2 KiB.
func TestShortErrors(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.handler(api.Door{Trusted: true})
	if _, err := r.rt.Start(t.Context(), counter(t), runtime.StartOptions{ID: "a"}); err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", 900_000)
	for path, body := range map[string]string{
		"/v1/stacks":                          `{"graph":"` + long + `"}`,
		"/v1/stacks?":                         `{"graph":"counter","stack":"` + long + `"}`,
		"/v1/reload":                          `{"` + long + `":1}`,
		"/v1/stacks/a/events":                 `{"event":"` + long + `"}`,
		"/v1/stacks/a/events?":                `{"event":"seen","payload":"` + long + `"}`,
		"/v1/stacks/a/events??":               `{"event":"seen","payload":[],"id":"` + long + `"}`,
		"/v1/stacks/a/answers":                `{"node":"` + long + `","approved":true}`,
		"/v1/stacks/a/cancel":                 `{"item":"` + long + `"}`,
		"/v1/stacks/a/cancel?":                `{"node":"` + long + `"}`,
		"/v1/stacks/a/cancel??":               `{"reason":"x","reason":"` + long + `"} ` + long,
		"/v1/stacks/" + long[:9000] + "/wake": `{}`,
		"/v1/" + long[:9000]:                  `{}`,
		"/v1/graphs/x/pools/" + long[:100]:    `{"parallel":1}`,
		"/v1/stacks/a/events???":              `{"event":"` + strings.Repeat(`\"\u0001`, 5000) + `"}`,
	} {
		w := ask(h, "POST", strings.TrimRight(path, "?"), body)
		if w.Code == http.StatusOK || w.Body.Len() > diag.MaxMessage {
			t.Errorf("%.40s %.40s: %d, %d bytes: %.200s", path, body, w.Code, w.Body.Len(), w.Body)
		}
	}
}
