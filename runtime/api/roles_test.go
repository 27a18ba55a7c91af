package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/nodes/std"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
)

// inner is a graph whose node runs another one that asks somebody.
func inner(t *testing.T) *graph.Graph {
	t.Helper()
	p := diag.Plain
	asks := asking(t).Def
	g, problems := graph.Compile(graph.Def{
		Version: 1, Name: p("outer"),
		Nodes: []graph.NodeDef{{ID: p("sub"), Uses: p("graph"), With: tree.Of(map[string]any{"file": "asking.yaml"}), Graph: asks}},
		Edges: []graph.EdgeDef{{To: []diag.Text{p("sub")}}},
		Pause: graph.PauseDef{None: true},
	}, std.Registry())
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return g
}

// as makes requests with a token through a door that everybody reaches.
func as(h http.Handler, token, method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://localhost"+path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// TestEveryRole holds every route of the table to each role: whom it lets in, whom it refuses
// with 403, and that nobody without a token learns of it. A token of a graph gets 404 for what
// belongs to others, with the words of an id that was never used.
func TestEveryRole(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	g := counter(t)
	if _, err := r.rt.Start(t.Context(), g, runtime.StartOptions{ID: "a", Rest: true}); err != nil {
		t.Fatal(err)
	}
	tokens := api.OpenTokens(filepath.Join(t.TempDir(), "s.db"))
	show := map[string]string{"nobody": "", "stranger": strings.Repeat("0", 64)}
	for _, role := range api.Roles {
		for _, of := range []string{"", "counter", "other"} {
			name := string(role) + "-" + of
			token, err := tokens.Add(name, role, of)
			if err != nil {
				t.Fatal(err)
			}
			show[name] = token
		}
	}
	h := r.handler(api.Door{Token: secret, Tokens: tokens})
	fill := strings.NewReplacer("{stack}", "a", "{hash}", g.Hash, "{pool}", "default", "{hook}", "none")
	for _, route := range api.Routes() {
		path := fill.Replace(route.Path)
		path = strings.Replace(path, "{name}", "counter", 1)
		for name, token := range show {
			// A field that no body has: whoever is let in gets 400 for it, and nothing happens.
			body := ""
			if route.Method == http.MethodPost {
				body = `{"nonsense":1}`
			}
			w := as(h, token, route.Method, path+"?nonsense=1", body)
			want := wanted(route, name)
			if w.Code != want {
				t.Errorf("%s %s as %s: %d, want %d: %s", route.Method, route.Path, name, w.Code, want, w.Body)
			}
			if want != http.StatusNotFound || !strings.Contains(route.Path, "{stack}") {
				continue
			}
			never := as(h, token, route.Method, strings.Replace(route.Path, "{stack}", "never", 1)+"?nonsense=1", body)
			if strings.ReplaceAll(never.Body.String(), "never", "a") != w.Body.String() {
				t.Errorf("%s as %s tells a stack of others from none: %s, %s", route.Path, name, w.Body, never.Body)
			}
		}
	}
}

// wanted is the status of a request with a parameter that the route does not have.
func wanted(route api.Route, who string) int {
	need := slices.Index(api.Roles, route.Role)
	has := slices.IndexFunc(api.Roles, func(r api.Role) bool { return strings.HasPrefix(who, string(r)) })
	limited := strings.HasSuffix(who, "counter") || strings.HasSuffix(who, "other")
	others := strings.HasSuffix(who, "other") && (strings.Contains(route.Path, "{stack}") || strings.HasPrefix(route.Path, "/v1/graphs/{name}"))
	switch {
	case route.Signed:
		return http.StatusNotFound // the graph has no webhook, and whoever asks may know
	case route.Role == "":
		return http.StatusBadRequest
	case has < 0:
		return http.StatusUnauthorized
	case route.Local, has < need, limited && route.Wide:
		return http.StatusForbidden
	}
	if others {
		return http.StatusNotFound
	}
	return http.StatusBadRequest
}

// TestTokenOfGraph: what a token of a graph finds in lists, and what it does not.
func TestTokenOfGraph(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	out, ask := inner(t), asking(t)
	r.options.Graphs = served{"counter": counter(t), "outer": out, "asking": ask}
	for id, g := range map[string]*graph.Graph{"c": counter(t), "o": out, "q": ask} {
		if _, err := r.rt.Start(t.Context(), g, runtime.StartOptions{ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	child := childOf(t, r, "o")
	tokens := api.OpenTokens(filepath.Join(t.TempDir(), "s.db"))
	token := func(role api.Role, of string) string {
		t.Helper()
		s, err := tokens.Add(string(role)+"-"+of, role, of)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	h := r.handler(api.Door{Token: secret, Tokens: tokens})
	outer, asks, adm := token(api.RoleOperate, "outer"), token(api.RoleOperate, "asking"), token(api.RoleAdmin, "outer")
	for _, c := range []struct {
		token, method, path, body string
		code                      int
		has, lacks                string
	}{
		{outer, "GET", "/v1/stacks?children=true", "", 200, child, `"q"`},
		{outer, "GET", "/v1/stacks", "", 200, `"stack":"o"`, `"stack":"c"`},
		{asks, "GET", "/v1/stacks?children=true", "", 200, `"stack":"q"`, `"stack":"o`},
		{outer, "GET", "/v1/stacks/" + child, "", 200, "ask", "never"},
		{asks, "GET", "/v1/stacks/" + child, "", 404, "unknown stack", "there are"},
		{asks, "POST", "/v1/stacks/c/pause", "{}", 404, "unknown stack", "there are"},
		{asks, "GET", "/v1/stacks/c/records", "", 404, "unknown stack", "there are"},
		{outer, "GET", "/v1/graphs", "", 200, `"outer"`, "counter"},
		{outer, "GET", "/v1/graphs/" + out.Hash, "", 200, "outer", "never"},
		{outer, "GET", "/v1/graphs/" + out.Inner()[0].Hash, "", 200, "asking", "never"},
		{outer, "GET", "/v1/graphs/" + counter(t).Hash, "", 404, "unknown definition", "counter"},
		{outer, "GET", "/v1/graphs/" + strings.Repeat("0", 64), "", 404, "unknown definition", "counter"},
		{outer, "GET", "/v1/pools", "", 200, "pools", "counter"},
		{outer, "POST", "/v1/graphs/counter/pools/default", `{"parallel":1}`, 404, "unknown graph", "there are"},
		{outer, "POST", "/v1/stacks", `{"graph":"counter","stack":"x"}`, 404, "unknown graph", "there are"},
		{outer, "POST", "/v1/stacks", `{"graph":"outer","stack":"o2"}`, 200, `"o2"`, "never"},
		{outer, "POST", "/v1/stacks/o/answers", `{"node":"sub/ask","approved":true}`, 200, "{}", "never"},
		{outer, "POST", "/v1/stacks", `{"def":{}}`, 403, "admin", "never"},
		{outer, "POST", "/v1/stacks", `{"graph":"outer","source":"x"}`, 403, "admin", "never"},
		{adm, "POST", "/v1/stacks", `{"def":{}}`, 403, "all graphs", "never"},
	} {
		w := as(h, c.token, c.method, c.path, c.body)
		if w.Code != c.code || !strings.Contains(w.Body.String(), c.has) || strings.Contains(w.Body.String(), c.lacks) {
			t.Errorf("%s %s %s: %d, want %d with %q and without %q: %s", c.method, c.path, c.body, w.Code, c.code, c.has, c.lacks, w.Body)
		}
	}
}

// childOf is the stack that does the work of a stack's node, once it is there and asks.
func childOf(t *testing.T, r *rig, parent string) (id string) {
	t.Helper()
	for id == "" {
		err := r.rt.List(t.Context(), func(s runtime.Status) error {
			if s.Child && len(s.Cursor.Waiting) > 0 && strings.HasPrefix(s.Stack, parent) {
				id = s.Stack
			}
			return t.Context().Err()
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return id
}

// TestDefinitionOverTCP: an admin starts a definition through the open port, others do not.
func TestDefinitionOverTCP(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tokens := api.OpenTokens(filepath.Join(t.TempDir(), "s.db"))
	weak, err := tokens.Add("weak", api.RoleOperate, "")
	if err != nil {
		t.Fatal(err)
	}
	h := r.handler(api.Door{Token: secret, Tokens: tokens})
	def, err := json.Marshal(asking(t).Def)
	if err != nil {
		t.Fatal(err)
	}
	body := string(bytes.Join([][]byte{[]byte(`{"def":`), def, []byte(`,"stack":"d"}`)}, nil))
	if w := as(h, weak, "POST", "/v1/stacks", body); w.Code != http.StatusForbidden {
		t.Errorf("operate: %d %s", w.Code, w.Body)
	}
	if _, err := r.rt.Status(context.Background(), "d"); err == nil {
		t.Error("it was started")
	}
	if w := as(h, secret, "POST", "/v1/stacks", body); w.Code != http.StatusOK {
		t.Errorf("admin: %d %s", w.Code, w.Body)
	}
}

// TestBy: a record says which token did it, and through a trusted door which user of the system.
func TestBy(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tokens := api.OpenTokens(filepath.Join(t.TempDir(), "s.db"))
	ada, err := tokens.Add("ada", api.RoleOperate, "")
	if err != nil {
		t.Fatal(err)
	}
	h := r.handler(api.Door{Token: secret, Tokens: tokens})
	for _, do := range []struct{ path, body string }{
		{"/v1/stacks", `{"graph":"counter","stack":"a"}`}, {"/v1/stacks/a/pause", "{}"}, {"/v1/stacks/a/cancel", "{}"},
	} {
		if w := as(h, ada, "POST", do.path, do.body); w.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", do.path, w.Code, w.Body)
		}
	}
	text := as(h, ada, "GET", "/v1/stacks/a/records", "").Body.String()
	for _, part := range []string{`"type":"stack.started"`, `"action":"pause","by":"ada"`, `"action":"cancel","by":"ada"`, `"status":"cancelled","reason":"","by":"ada"`} {
		if !strings.Contains(text, part) || strings.Count(text, `"by":"ada"`) != 4 {
			t.Errorf("no %s in\n%s", part, text)
		}
	}
	u, err := user.Current()
	if err != nil {
		t.Skip("nobody knows the system's user:", err)
	}
	trusted := r.handler(api.Door{Trusted: true})
	if w := ask(trusted, "POST", "/v1/stacks", `{"graph":"counter","stack":"b"}`); w.Code != http.StatusOK {
		t.Fatal(w.Body)
	}
	if text := ask(trusted, "GET", "/v1/stacks/b/records?types=stack.started", "").Body.String(); !strings.Contains(text, `"by":"`+u.Username+`"`) {
		t.Errorf("not by %s: %s", u.Username, text)
	}
}
