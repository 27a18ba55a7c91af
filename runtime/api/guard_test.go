package api_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
)

// TestGuard: who is kept out, and with which answer.
func TestGuard(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if _, err := r.rt.Start(t.Context(), counter(t), runtime.StartOptions{ID: "a"}); err != nil {
		t.Fatal(err)
	}
	door := api.Door{Token: secret}
	bearer := "Bearer " + secret
	for name, c := range map[string]struct {
		door           api.Door
		method, target string
		header         map[string]string
		body           string
		want           int
	}{
		"with the token":             {door, "GET", "http://127.0.0.1:7878/v1/stacks", map[string]string{"Authorization": bearer}, "", 200},
		"by name":                    {door, "GET", "http://localhost:7878/v1/stacks", map[string]string{"Authorization": bearer}, "", 200},
		"IPv6":                       {door, "GET", "http://[::1]:7878/v1/stacks", map[string]string{"Authorization": bearer}, "", 200},
		"own page":                   {door, "GET", "http://localhost:7878/v1/stacks", map[string]string{"Authorization": bearer, "Origin": "http://localhost:7878", "Sec-Fetch-Site": "same-origin"}, "", 200},
		"health needs none":          {door, "GET", "http://localhost/health", nil, "", 200},
		"no token":                   {door, "GET", "http://localhost/v1/stacks", nil, "", 401},
		"no token, stream":           {door, "GET", "http://localhost/v1/stacks/a/records", nil, "", 401},
		"no token, no such path":     {door, "GET", "http://localhost/v1/secret", nil, "", 401},
		"path that ends like health": {door, "GET", "http://localhost/v1/stacks/health", nil, "", 401},
		"wrong token":                {door, "GET", "http://localhost/v1/stacks", map[string]string{"Authorization": bearer[:len(bearer)-1] + "0"}, "", 401},
		"part of the token":          {door, "GET", "http://localhost/v1/stacks", map[string]string{"Authorization": bearer[:20]}, "", 401},
		"token in the URL":           {door, "GET", "http://localhost/v1/stacks?token=" + secret, nil, "", 401},
		"zero door":                  {api.Door{}, "GET", "http://localhost/v1/stacks", map[string]string{"Authorization": "Bearer "}, "", 401},
		"DNS rebinding":              {door, "GET", "http://evil.example/v1/stacks", map[string]string{"Authorization": bearer}, "", 421},
		"rebinding, health":          {door, "GET", "http://evil.example/health", nil, "", 421},
		"rebinding by a look-alike":  {door, "GET", "http://localhost.evil.example/v1/stacks", map[string]string{"Authorization": bearer}, "", 421},
		"foreign origin, GET":        {door, "GET", "http://localhost/v1/stacks", map[string]string{"Authorization": bearer, "Origin": "http://evil.example"}, "", 403},
		"foreign origin, POST":       {door, "POST", "http://localhost/v1/stacks/a/pause", map[string]string{"Authorization": bearer, "Origin": "http://evil.example", "Content-Type": "application/json"}, "{}", 403},
		"null origin":                {door, "GET", "http://localhost/v1/stacks", map[string]string{"Authorization": bearer, "Origin": "null"}, "", 403},
		"other port's origin":        {door, "GET", "http://localhost:7878/v1/stacks", map[string]string{"Authorization": bearer, "Origin": "http://localhost:3000"}, "", 403},
		"cross-site":                 {door, "GET", "http://localhost/v1/stacks", map[string]string{"Authorization": bearer, "Sec-Fetch-Site": "cross-site"}, "", 403},
		"same-site":                  {door, "GET", "http://localhost/v1/stacks", map[string]string{"Authorization": bearer, "Sec-Fetch-Site": "same-site"}, "", 403},
		"preflight":                  {door, "OPTIONS", "http://localhost/v1/stacks", map[string]string{"Authorization": bearer}, "", 405},
		"form":                       {door, "POST", "http://localhost/v1/stacks/a/pause", map[string]string{"Authorization": bearer, "Content-Type": "application/x-www-form-urlencoded"}, "{}", 415},
		"text":                       {door, "POST", "http://localhost/v1/stacks/a/pause", map[string]string{"Authorization": bearer, "Content-Type": "text/plain"}, "{}", 415},
		"no content type":            {door, "POST", "http://localhost/v1/stacks/a/pause", map[string]string{"Authorization": bearer}, "{}", 415},
		"escaped slash":              {door, "GET", "http://localhost/v1/stacks/..%2f..%2fetc%2fpasswd", map[string]string{"Authorization": bearer}, "", 404},
		"escaped letter":             {door, "GET", "http://localhost/v1/stacks/%61", map[string]string{"Authorization": bearer}, "", 404},
		"dots":                       {door, "GET", "http://localhost/v1/stacks/../server", map[string]string{"Authorization": bearer}, "", 404},
		"definition over TCP":        {door, "POST", "http://localhost/v1/stacks", map[string]string{"Authorization": bearer, "Content-Type": "application/json"}, `{"def":{}}`, 422},
		"backup over TCP":            {door, "POST", "http://localhost/v1/backup", map[string]string{"Authorization": bearer, "Content-Type": "application/json"}, `{"file":"/tmp/x"}`, 403},
		"too large":                  {door, "POST", "http://localhost/v1/stacks/a/events", map[string]string{"Authorization": bearer, "Content-Type": "application/json"}, `{"event":"` + strings.Repeat("x", 1<<20) + `"}`, 413},
	} {
		req := httptest.NewRequest(c.method, c.target, strings.NewReader(c.body))
		for k, v := range c.header {
			req.Header.Set(k, v)
		}
		w := httptest.NewRecorder()
		r.handler(c.door).ServeHTTP(w, req)
		if w.Code != c.want {
			t.Errorf("%s: %d, want %d: %s", name, w.Code, c.want, w.Body)
		}
		for _, h := range []string{"Content-Security-Policy", "X-Content-Type-Options", "Cache-Control"} {
			if w.Header().Get(h) == "" {
				t.Errorf("%s: no %s", name, h)
			}
		}
		for h := range w.Header() {
			if strings.HasPrefix(h, "Access-Control-") {
				t.Errorf("%s: %s", name, h)
			}
		}
	}
	if s, err := r.rt.Status(t.Context(), "a"); err != nil || s.Cursor.Status != "running" {
		t.Errorf("a request that was refused took effect: %+v %v", s, err)
	}
}

// TestStrictBodies: what encoding/json would let pass.
func TestStrictBodies(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if _, err := r.rt.Start(t.Context(), counter(t), runtime.StartOptions{ID: "a"}); err != nil {
		t.Fatal(err)
	}
	for body, want := range map[string]string{
		`{"event":"seen","event":"other"}`:           "twice",
		`{"event":"seen","payload":[{"a":1,"a":2}]}`: "twice",
		`{"Event":"seen"}`:                           "unknown field",
		`{"event":"seen","extra":1}`:                 "unknown field",
		`{"event":"seen"} {"event":"seen"}`:          "more than one value",
		`["seen"]`:                                   "not a JSON object",
		`null`:                                       "not a JSON object",
		`{"event":1}`:                                `\"event\" is a JSON number, expected a string`,
		`{"event":"seen","payload":`:                 "not JSON",
		`{"event":"seen","payload":` + strings.Repeat("[", 200) + "1" + strings.Repeat("]", 200) + `}`: "nested",
	} {
		req := httptest.NewRequest("POST", "http://localhost/v1/stacks/a/events", strings.NewReader(body))
		req.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		r.handler(api.Door{Trusted: true}).ServeHTTP(w, req)
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%.60s: %d, want 400 with %q: %s", body, w.Code, want, w.Body)
		}
	}
}

// TestReadingChangesNothing: no GET leaves a trace in the store.
func TestReadingChangesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if _, err := r.rt.Start(t.Context(), counter(t), runtime.StartOptions{ID: "a"}); err != nil {
		t.Fatal(err)
	}
	recorded(t, r.tcp(t), "a", "cycle.finished")
	if err := r.rt.Pause(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	before, err := r.store.Load(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	h := r.handler(api.Door{Trusted: true})
	for _, route := range api.Routes() {
		path := strings.NewReplacer("{stack}", "a", "{hash}", before.Cursor.Hash, "{name}", "counter", "{pool}", "default").Replace(route.Path)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "http://localhost"+path+needs[route.Path], nil))
		if isGET := route.Method == "GET"; isGET != (w.Code == 200) && !sharesPath(route.Path) {
			t.Errorf("GET %s: %d %s", path, w.Code, w.Body)
		}
	}
	after, err := r.store.Load(t.Context(), "a")
	if err != nil || after.Cursor.Seq != before.Cursor.Seq || after.Cursor.Status != before.Cursor.Status {
		t.Errorf("reading changed %+v to %+v: %v", before.Cursor, after.Cursor, err)
	}
}

// needs are the queries that routes cannot do without.
var needs = map[string]string{"/v1/stacks/{stack}/diff": "?a=0&b=0", "/v1/stacks/{stack}/eval": "?expr=state.n"}

// sharesPath: a path that can be read and posted to.
func sharesPath(pattern string) bool {
	n := 0
	for _, r := range api.Routes() {
		if r.Path == pattern {
			n++
		}
	}
	return n > 1
}

// TestStreamWithoutToken: a stream says no before its first byte.
func TestStreamWithoutToken(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := httptest.NewServer(r.handler(api.Door{Token: secret}))
	defer s.Close()
	resp, err := http.Get(s.URL + "/v1/stacks/a/records?follow=true")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusUnauthorized || resp.Header.Get("WWW-Authenticate") == "" || err != nil {
		t.Errorf("%d %s %v", resp.StatusCode, body, err)
	}
}
