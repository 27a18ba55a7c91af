package web_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/nodes/std"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
	"github.com/graphrun/graphrun/runtime/memstore"
	"github.com/graphrun/graphrun/web"
)

const token = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// rig is a dashboard over a runtime, and a browser without scripts.
type rig struct {
	t       *testing.T
	rt      *runtime.Runtime
	h       *web.Handler
	tokens  *api.Tokens
	cookies []*http.Cookie
	texts   atomic.Int64 // that were compiled
}

func newRig(t *testing.T) *rig {
	t.Helper()
	store := memstore.New()
	rt, err := runtime.Open(t.Context(), runtime.Config{Store: store, Kinds: std.Registry()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rt.Close(context.Background()) })
	r := &rig{t: t, rt: rt}
	r.tokens = api.OpenTokens(filepath.Join(t.TempDir(), "s.db"))
	h, err := web.New(web.Options{
		API:   api.New(api.Local(rt), api.Options{Door: api.Door{Token: token, Tokens: r.tokens}, Store: store, Kinds: std.Registry()}),
		Store: store, Kinds: std.Registry(), Feed: rt.Feed(), Token: token,
		Compile: func(kept journal.StoredGraph) (*graph.Graph, error) {
			r.texts.Add(1)
			return inspect.Compile(kept, std.Registry())
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	r.h = h
	return r
}

// send sends a request, with a form if there is one, and keeps the cookies of the answer.
func (r *rig) send(method, path string, form url.Values, headers map[string]string) *httptest.ResponseRecorder {
	r.t.Helper()
	q := httptest.NewRequestWithContext(r.t.Context(), method, "http://localhost"+path, strings.NewReader(form.Encode()))
	if form != nil {
		q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, text := range headers {
		if name == "Host" {
			q.Host = text
			continue
		}
		q.Header.Set(name, text)
	}
	for _, c := range r.cookies {
		q.AddCookie(c)
	}
	w := httptest.NewRecorder()
	r.h.ServeHTTP(w, q)
	if set := w.Result().Cookies(); len(set) > 0 {
		r.cookies = set
	}
	return w
}

func (r *rig) signIn() {
	r.t.Helper()
	r.signInWith(token)
}

func (r *rig) signInWith(token string) {
	r.t.Helper()
	if w := r.send("POST", "/sign-in", url.Values{"token": {token}}, nil); w.Code != http.StatusSeeOther {
		r.t.Fatalf("sign-in: %d %s", w.Code, w.Body)
	}
}

// asks starts a stack whose only node asks somebody a question.
func (r *rig) asks(stack, question string) {
	r.t.Helper()
	p := diag.Plain
	g, problems := graph.Compile(graph.Def{
		Version: 1, Name: p("asking"),
		Nodes: []graph.NodeDef{{ID: p("ask"), Uses: p("approval"), With: tree.Of(map[string]any{"prompt": question})}},
		Edges: []graph.EdgeDef{{To: []diag.Text{p("ask")}}},
		Pause: graph.PauseDef{None: true},
	}, std.Registry())
	if err := problems.Err(); err != nil {
		r.t.Fatal(err)
	}
	waits := make(chan struct{}, 1)
	defer r.rt.Feed().OnCommit(stack, newsOfWaiting(waits))()
	if _, err := r.rt.Start(r.t.Context(), g, runtime.StartOptions{ID: stack}); err != nil {
		r.t.Fatal(err)
	}
	<-waits
}

// TestSession: pages are for those who are signed in; the cookie is one that no script
// reads and no other site sends; a copy of it is worthless after signing out.
func TestSession(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if w := r.send("GET", "/stacks/a?at=1", nil, nil); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/sign-in?next=%2Fstacks%2Fa%3Fat%3D1" {
		t.Errorf("without a session: %d, to %q", w.Code, w.Header().Get("Location"))
	}
	for _, path := range []string{"/live", "/live?stack=a"} {
		if w := r.send("GET", path, nil, nil); w.Code != http.StatusUnauthorized {
			t.Errorf("%s without a session: %d", path, w.Code)
		}
	}
	for _, wrong := range []string{"", "x", token[1:], token + "0"} {
		if w := r.send("POST", "/sign-in", url.Values{"token": {wrong}}, nil); w.Code != http.StatusUnauthorized || len(w.Result().Cookies()) > 0 {
			t.Errorf("the token %q: %d %v", wrong, w.Code, w.Result().Cookies())
		}
	}
	for next, want := range map[string]string{
		"": "/", "/stacks/a?at=1": "/stacks/a?at=1", "//evil.example/": "/", "https://evil.example/": "/",
		`/\evil.example`: "/", "javascript:alert(1)": "/", "/\t/evil.example": "/",
	} {
		w := r.send("POST", "/sign-in", url.Values{"token": {token}, "next": {next}}, nil)
		if got := w.Header().Get("Location"); got != want {
			t.Errorf("after signing in for %q the browser goes to %q, want %q", next, got, want)
		}
	}
	c := r.cookies[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.MaxAge != 12*60*60 || c.Path != "/" || strings.Contains(c.Value, token) {
		t.Errorf("the cookie: %+v", c)
	}
	if w := r.send("GET", "/", nil, nil); w.Code != http.StatusOK {
		t.Errorf("with a session: %d", w.Code)
	}
	r.send("POST", "/sign-out", url.Values{}, nil)
	r.cookies = []*http.Cookie{c}
	if w := r.send("GET", "/", nil, nil); w.Code != http.StatusSeeOther {
		t.Errorf("with a copy of the cookie after signing out: %d", w.Code)
	}
	c.Value = c.Value[:len(c.Value)-4] + "AAAA"
	if w := r.send("GET", "/", nil, nil); w.Code != http.StatusSeeOther {
		t.Errorf("with a forged cookie: %d", w.Code)
	}
}

// TestLink: a one-time link signs in once.
func TestLink(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	link := r.h.Link()
	if w := r.send("GET", link, nil, nil); w.Code != http.StatusSeeOther || len(r.cookies) == 0 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if w := r.send("GET", "/", nil, nil); w.Code != http.StatusOK {
		t.Errorf("signed in: %d", w.Code)
	}
	r.cookies = nil
	for _, path := range []string{link, "/enter", "/enter?code=", "/enter?code=x"} {
		if w := r.send("GET", path, nil, nil); w.Code != http.StatusForbidden || len(r.cookies) > 0 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

// TestDoor: the rules of the API for hosts and origins hold for pages, and every answer
// has a policy that permits no script or style within it.
func TestDoor(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.signIn()
	r.asks("a", "go?")
	for name, headers := range map[string]map[string]string{
		"another host": {"Host": "evil.example"},
		"another site": {"Sec-Fetch-Site": "cross-site"},
		"same site":    {"Sec-Fetch-Site": "same-site"},
		"origin":       {"Origin": "http://evil.example"},
		"no origin":    {"Origin": "null"},
	} {
		for _, path := range []string{"/", "/stacks/a", "/sign-in", "/static/app.js", "/live"} {
			if w := r.send("GET", path, nil, headers); w.Code != http.StatusForbidden && w.Code != http.StatusMisdirectedRequest {
				t.Errorf("%s: GET %s: %d", name, path, w.Code)
			}
		}
		if w := r.send("POST", "/stacks/a/cancel", url.Values{}, headers); w.Code != http.StatusForbidden && w.Code != http.StatusMisdirectedRequest {
			t.Errorf("%s: POST: %d", name, w.Code)
		}
	}
	for _, path := range []string{"/", "/stacks/a", "/stacks/none", "/sign-in", "/static/app.js", "/stacks/a?at=nonsense"} {
		h := r.send("GET", path, nil, nil).Header()
		policy := h.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'; script-src 'self'; style-src 'self';") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") {
			t.Errorf("%s: the policy is %q", path, policy)
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("X-Frame-Options") != "DENY" {
			t.Errorf("%s: %v", path, h)
		}
	}
	if w := r.send("GET", "/v1/stacks", nil, nil); w.Code != http.StatusUnauthorized {
		t.Errorf("the API takes a cookie: %d", w.Code)
	}
}

// TestAct: forms do what the API does, and say why they cannot.
func TestAct(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.signIn()
	r.asks("a", "go?")
	page := r.send("GET", "/stacks/a", nil, nil).Body.String()
	if !strings.Contains(page, `action="/stacks/a/answer"`) {
		t.Fatalf("the page has no form for the answer:\n%s", page)
	}
	w := r.send("POST", "/stacks/a/answer", url.Values{"node": {"ask"}, "word": {"approve"}, "value": {"{"}}, nil)
	if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "the value is not JSON") {
		t.Errorf("a value that is no JSON: %d\n%s", w.Code, w.Body)
	}
	w = r.send("POST", "/stacks/a/answer", url.Values{"node": {"ask"}, "word": {"approve"}, "comment": {"fine"}}, nil)
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/stacks/a" {
		t.Errorf("an answer: %d %s", w.Code, w.Body)
	}
	w = r.send("POST", "/stacks/a/answer", url.Values{"node": {"nobody"}, "word": {"approve"}}, nil)
	if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "nobody") {
		t.Errorf("an unknown node: %d\n%s", w.Code, w.Body)
	}
	for _, path := range []string{"/stacks/none/pause", "/stacks/a/nonsense", "/stacks/none"} {
		if w := r.send("POST", path, url.Values{}, nil); w.Code != http.StatusNotFound && w.Code != http.StatusMethodNotAllowed {
			t.Errorf("POST %s: %d", path, w.Code)
		}
	}
	r.send("POST", "/stacks/a/cancel", url.Values{"reason": {"<b>over</b>"}}, nil)
	if page := r.send("GET", "/stacks/a", nil, nil).Body.String(); !strings.Contains(page, "&lt;b&gt;over&lt;/b&gt;") || strings.Contains(page, "<b>over") {
		t.Errorf("the reason is not on the page as text:\n%s", page)
	}
}

// TestSize: script and style together have at most 60 kB, as they are sent compressed,
// and no template has any of its own.
func TestSize(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is one that there is
	names, err := fs.Glob(os.DirFS("static"), "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := os.ReadFile("static/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if b.Len() > 60_000 || b.Len() < 10_000 {
		t.Errorf("%v have %d bytes compressed, want at most 60000", names, b.Len())
	}
	templates, err := fs.Glob(os.DirFS("templates"), "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range templates {
		text, err := os.ReadFile("templates/" + name)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{"<style", " style=", "<script>", " onclick", " onload", "hx-on", "hx-vals", "javascript:"} {
			if strings.Contains(string(text), word) {
				t.Errorf("%s has %q", name, word)
			}
		}
	}
}
