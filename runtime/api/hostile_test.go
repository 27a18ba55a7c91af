package api_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
)

// TestEveryRouteIsGuarded asks every path of the table with every method: without a token, with
// a wrong one, under a foreign Host, from a foreign page and in other spellings. Nobody gets
// anything but a refusal, and nothing changes.
func TestEveryRouteIsGuarded(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	g := counter(t)
	if _, err := r.rt.Start(t.Context(), g, runtime.StartOptions{ID: "a"}); err != nil {
		t.Fatal(err)
	}
	if err := r.rt.Pause(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	before, err := r.store.Load(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	h := r.handler(api.Door{Token: secret})
	send := func(method, target string, change func(*http.Request)) *httptest.ResponseRecorder {
		t.Helper()
		body := ""
		if method != http.MethodGet && method != http.MethodHead {
			body = "{}"
		}
		req := httptest.NewRequest(method, "http://localhost/", strings.NewReader(body))
		req.Host = "localhost" // httptest takes that of CONNECT for a part of the URL
		path, query, _ := strings.Cut(target, "?")
		req.URL.Path, req.URL.RawPath, req.URL.RawQuery = strings.ReplaceAll(path, "%2f", "/"), path, query
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+secret)
		change(req)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		return w
	}
	refused := func(what, method, path string, w *httptest.ResponseRecorder, want ...int) {
		t.Helper()
		if !slices.Contains(want, w.Code) || method != http.MethodHead && !strings.Contains(w.Body.String(), `{"error":{"code":`) {
			t.Errorf("%s: %s %s: %d, want %v: %s", what, method, path, w.Code, want, w.Body)
		}
		for name := range w.Header() {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("%s: %s %s: the header %s", what, method, path, name)
			}
		}
	}
	fill := strings.NewReplacer("{stack}", "a", "{hash}", before.Cursor.Hash, "{name}", "counter", "{pool}", "default", "{hook}", "x")
	methods := map[string][]string{}
	open := map[string]bool{}
	for _, route := range api.Routes() {
		methods[route.Path] = append(methods[route.Path], route.Method)
		open[route.Method+" "+route.Path] = route.Role == "" && !route.Signed
		if route.Method == http.MethodGet {
			methods[route.Path] = append(methods[route.Path], http.MethodHead)
			open["HEAD "+route.Path] = route.Role == ""
		}
	}
	same := func(*http.Request) {}
	for pattern, known := range methods {
		path := fill.Replace(pattern)
		signed := slices.ContainsFunc(api.Routes(), func(r api.Route) bool { return r.Path == pattern && r.Signed })
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "get"} {
			is := slices.Contains(known, method)
			if !is {
				w := send(method, path, same)
				refused("a method that it has not", method, path, w, http.StatusMethodNotAllowed)
				if allow := w.Header().Get("Allow"); allow == "" || strings.Contains(allow, method) {
					t.Errorf("%s %s: Allow %q", method, path, allow)
				}
			}
			if !open[method+" "+pattern] && !(signed && is) {
				refused("no token", method, path, send(method, path, func(r *http.Request) { r.Header.Del("Authorization") }), http.StatusUnauthorized)
				refused("a wrong token", method, path, send(method, path, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+secret[1:]+"0") }), http.StatusUnauthorized)
				refused("two tokens", method, path, send(method, path, func(r *http.Request) { r.Header.Add("Authorization", "Bearer "+secret) }), http.StatusUnauthorized)
			}
			refused("a foreign Host", method, path, send(method, path, func(r *http.Request) { r.Host = "evil.example" }), http.StatusMisdirectedRequest)
			refused("a foreign Origin", method, path, send(method, path, func(r *http.Request) { r.Header.Set("Origin", "http://evil.example") }), http.StatusForbidden)
			refused("a foreign page", method, path, send(method, path, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }), http.StatusForbidden)
		}
		for _, other := range []string{path + "/", "/" + path, path + "/x", path + "%2f", "/x" + path, path + "/..", path + "/.", strings.ToUpper(path), strings.Replace(path, "/", "/./", 1), path + ";x", path + "%00"} {
			if other == path+"/x" && (pattern == "/v1/stacks" || pattern == "/v1/graphs") {
				continue // there an id follows
			}
			refused("another spelling", "GET", other, send("GET", other, same), http.StatusNotFound, http.StatusMethodNotAllowed)
		}
	}
	after, err := r.store.Load(t.Context(), "a")
	if err != nil || after.Cursor.Seq != before.Cursor.Seq || after.Cursor.Status != before.Cursor.Status {
		t.Errorf("something changed: %+v, then %+v: %v", before.Cursor, after.Cursor, err)
	}
}
