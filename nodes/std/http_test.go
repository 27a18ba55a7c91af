package std

import (
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/charset"
)

// serve is a server for one test.
func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// ask runs one http node; private addresses are allowed unless more says
// otherwise.
func ask(t *testing.T, with map[string]any) (map[string]any, *nodes.Error) {
	t.Helper()
	all := map[string]any{"allow_private": true}
	maps.Copy(all, with)
	res, fail := nodes.Run(t.Context(), httpKind(charset.Find), nodes.Task{Key: "stack/1/2/node", With: all})
	out, _ := res.Output.(map[string]any)
	return out, fail
}

// request is what a server saw.
type request struct {
	Line, Host, Body, ContentType, Key, Token string
}

func seen(r *http.Request) request {
	body, _ := io.ReadAll(r.Body)
	return request{Line: r.Method + " " + r.URL.String(), Host: r.Host, Body: string(body),
		ContentType: r.Header.Get("Content-Type"), Key: r.Header.Get("Idempotency-Key"), Token: r.Header.Get("X-Token")}
}

func TestHTTPRequest(t *testing.T) {
	t.Parallel()
	const key = "stack/1/2/node"
	for name, tt := range map[string]struct {
		with map[string]any
		want request
	}{
		"get":           {nil, request{Line: "GET /p"}},
		"head":          {map[string]any{"method": "HEAD"}, request{Line: "HEAD /p"}},
		"post json":     {map[string]any{"json": []any{int64(1<<53 + 1), nil}}, request{Line: "POST /p", Body: "[9007199254740993,null]", ContentType: "application/json", Key: key}},
		"post null":     {map[string]any{"json": nil}, request{Line: "POST /p", Body: "null", ContentType: "application/json", Key: key}},
		"post text":     {map[string]any{"body": "hi"}, request{Line: "POST /p", Body: "hi", ContentType: "text/plain; charset=utf-8", Key: key}},
		"post form":     {map[string]any{"form": map[string]any{"b": []any{"x y", int64(2)}, "a": true, "n": nil}}, request{Line: "POST /p", Body: "a=true&b=x+y&b=2", ContentType: "application/x-www-form-urlencoded", Key: key}},
		"delete":        {map[string]any{"method": "delete"}, request{Line: "DELETE /p", Key: key}},
		"get with body": {map[string]any{"method": "GET", "json": int64(1)}, request{Line: "GET /p", Body: "1", ContentType: "application/json"}},
		"query":         {map[string]any{"query": map[string]any{"q": "a&b", "n": nil, "l": []any{int64(1), int64(2)}}}, request{Line: "GET /p?l=1&l=2&q=a%26b"}},
		"headers":       {map[string]any{"headers": map[string]any{"x-token": int64(7), "Host": "other", "Content-Type": "text/csv", "X-None": nil}, "body": "a,b"}, request{Line: "POST /p", Host: "other", Body: "a,b", ContentType: "text/csv", Token: "7", Key: key}},
		"own key":       {map[string]any{"method": "PUT", "headers": map[string]any{"idempotency-key": "mine"}}, request{Line: "PUT /p", Key: "mine"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := make(chan request, 1)
			s := serve(t, func(_ http.ResponseWriter, r *http.Request) { got <- seen(r) })
			with := map[string]any{"url": s.URL + "/p#fragment"}
			maps.Copy(with, tt.with)
			if _, fail := ask(t, with); fail != nil {
				t.Fatal(fail)
			}
			want := tt.want
			if want.Host == "" {
				want.Host = strings.TrimPrefix(s.URL, "http://")
			}
			if diff := cmp.Diff(want, <-got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestHTTPResponse(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		contentType, body string
		status            int
		with              map[string]any
		want              any
	}{
		"json":                          {"application/json; charset=utf-8", `{"a": [1, 2.5]}`, 200, nil, map[string]any{"a": []any{int64(1), 2.5}}},
		"problem json":                  {"application/problem+json", `{}`, 404, map[string]any{"expect": []any{int64(404)}}, map[string]any{}},
		"json of nothing":               {"application/json", "", 200, nil, nil},
		"text":                          {"text/plain", `{"a": 1}`, 201, nil, `{"a": 1}`},
		"latin-1":                       {"text/plain; charset=ISO-8859-1", "caf\xe9", 200, nil, "café"},
		"json in latin-1":               {"application/json; charset=latin1", "\"caf\xe9\"", 200, nil, "café"},
		"utf-16":                        {"text/plain; charset=utf-16", "\xfe\xff\x00a\x20\xac", 200, nil, "a€"},
		"shift_jis":                     {"text/html; charset=Shift_JIS", "\x93\xfa\x96\x7b", 200, nil, "日本"},
		"a byte order mark before json": {"application/json", "\xef\xbb\xbf[1]", 200, nil, []any{int64(1)}},
		"base64 of any bytes":           {"image/png", "\x89PNG\xff", 200, map[string]any{"parse": "base64"}, "iVBOR/8="},
		"base64 knows no charset":       {"text/plain; charset=none", "a\xff", 200, map[string]any{"parse": "base64"}, "Yf8="},
		"text of json":                  {"application/json", `{"a": 1}`, 200, map[string]any{"parse": "text"}, `{"a": 1}`},
		"json of text":                  {"text/plain", `{"a": 1}`, 200, map[string]any{"parse": "json"}, map[string]any{"a": int64(1)}},
		"at the limit":                  {"text/plain", "12345", 200, map[string]any{"max_response": int64(5)}, "12345"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", tt.contentType)
				w.Header()["X-Two"] = []string{"a", "b"}
				w.WriteHeader(tt.status)
				io.WriteString(w, tt.body)
			})
			with := map[string]any{"url": s.URL}
			maps.Copy(with, tt.with)
			out, fail := ask(t, with)
			if fail != nil {
				t.Fatal(fail)
			}
			if diff := cmp.Diff(tt.want, out["body"]); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
			if out["status"] != int64(tt.status) {
				t.Errorf("status %v, want %d", out["status"], tt.status)
			}
			headers := out["headers"].(map[string]any)
			if headers["x-two"] != "a, b" || headers["content-type"] != tt.contentType {
				t.Errorf("headers %v", headers)
			}
		})
	}
}

func TestHTTPFailures(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/missing":
			http.Error(w, strings.Repeat("n", 5000), 404)
		case "/busy":
			w.Header().Set("Retry-After", "30")
			w.WriteHeader(429)
		case "/broken":
			http.Error(w, "oh", http.StatusServiceUnavailable)
		case "/json":
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, "{")
		case "/bytes":
			io.WriteString(w, "caf\xe9")
		case "/charset":
			w.Header().Set("Content-Type", "text/plain; charset="+r.URL.RawQuery)
			io.WriteString(w, "caf\xff")
		case "/large":
			io.WriteString(w, "123456")
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/elsewhere":
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		case "/cut":
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, "1")
		}
	})
	closed := httptest.NewServer(nil)
	closed.Close()
	for name, tt := range map[string]struct {
		with          map[string]any
		kind, message string
		permanent     bool
	}{
		"404":            {map[string]any{"url": s.URL + "/missing?key=private"}, "http", "GET " + s.URL + "/missing: status 404 Not Found: " + strings.Repeat("n", errorPiece), true},
		"429":            {map[string]any{"url": s.URL + "/busy"}, "http", "GET " + s.URL + `/busy: status 429 Too Many Requests (retry after "30")`, false},
		"503":            {map[string]any{"url": s.URL + "/broken"}, "http", "GET " + s.URL + "/broken: status 503 Service Unavailable: oh", false},
		"not expected":   {map[string]any{"url": s.URL, "expect": []any{int64(204)}}, "http", "GET " + s.URL + ": status 200 OK", true},
		"not JSON":       {map[string]any{"url": s.URL + "/json"}, "output", "the response is not one JSON value: line 1, column 2: unexpected end of JSON input", false},
		"not UTF-8":      {map[string]any{"url": s.URL + "/bytes"}, "output", "the response is not text: byte 0xE9 at offset 3 is not UTF-8", false},
		"charset":        {map[string]any{"url": s.URL + "/charset?klingon"}, "output", `the response is not text: its charset "klingon" is not known`, false},
		"not in charset": {map[string]any{"url": s.URL + "/charset?euc-jp"}, "output", `the response is not text: it has bytes that its charset euc-jp does not know, after "caf"`, false},
		"too large":      {map[string]any{"url": s.URL + "/large", "max_response": int64(5)}, "output", "more than 5 bytes of response (max_response)", false},
		"redirects":      {map[string]any{"url": s.URL + "/loop"}, "http", "GET " + s.URL + "/loop: more than 10 redirects", true},
		"redirect file":  {map[string]any{"url": s.URL + "/elsewhere"}, "http", "GET " + s.URL + `/elsewhere: redirected to "file": only http and https are followed`, true},
		"cut off":        {map[string]any{"url": s.URL + "/cut"}, "http", "GET " + s.URL + "/cut: unexpected EOF", false},
		"nobody there":   {map[string]any{"url": closed.URL + "/?key=private"}, "http", "GET " + closed.URL + "/: dial tcp", false},
		"scheme":         {map[string]any{"url": "ftp://example.com"}, "config", `"url" is no absolute http or https address`, true},
		"relative":       {map[string]any{"url": "/path"}, "config", `"url" is no absolute http or https address`, true},
		"no url":         {nil, "config", `"url" is no absolute http or https address`, true},
		"header value":   {map[string]any{"url": s.URL, "headers": map[string]any{"X": "a\r\nY: b"}}, "config", `header "X" holds a line end`, true},
		"header name":    {map[string]any{"url": s.URL, "headers": map[string]any{"X\r\nY": "b"}}, "config", `"X\r\nY" cannot be the name of a header`, true},
		"header object":  {map[string]any{"url": s.URL, "headers": map[string]any{"X": []any{}}}, "config", `header "X" is a list`, true},
		"two bodies":     {map[string]any{"url": s.URL, "json": nil, "body": "b"}, "config", `http takes only one of "json", "body" and "form"`, true},
		"method":         {map[string]any{"url": s.URL, "method": "FETCH"}, "config", `no method is called "FETCH"`, true},
		"expect":         {map[string]any{"url": s.URL, "expect": "200"}, "config", `"expect" is a string, want a list of statuses`, true},
		"allow_private":  {map[string]any{"url": s.URL, "allow_private": "yes"}, "config", `"allow_private" is a string, want true or false`, true},
		"private":        {map[string]any{"url": s.URL, "allow_private": false}, "config", "GET " + s.URL + ": address 127.0.0.1:", true},
		"private, named": {map[string]any{"url": strings.Replace(s.URL, "127.0.0.1", "localhost", 1), "allow_private": false}, "config", "GET http://localhost:", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, fail := ask(t, tt.with)
			if fail == nil {
				t.Fatal("no failure")
			}
			if fail.Kind != tt.kind || !strings.HasPrefix(fail.Message, tt.message) || fail.Permanent != tt.permanent {
				t.Errorf("got  %s (permanent: %v): %.200s\nwant %s (permanent: %v): %s", fail.Kind, fail.Permanent, fail.Message, tt.kind, tt.permanent, tt.message)
			}
			if len(fail.Message) > 2*errorPiece || strings.Contains(fail.Message, "key=private") {
				t.Errorf("the message says too much: %s", fail.Message)
			}
		})
	}
}

func TestHTTPRedirectToAnotherHost(t *testing.T) {
	t.Parallel()
	got := make(chan http.Header, 1)
	other := serve(t, func(_ http.ResponseWriter, r *http.Request) { got <- r.Header })
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/near" {
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
			return
		}
		http.Redirect(w, r, "/near?again=1", http.StatusTemporaryRedirect)
	})
	_, fail := ask(t, map[string]any{"url": s.URL + "/?key=private", "json": int64(1), "headers": map[string]any{
		"Authorization": "Bearer x", "X-Token": "x", "Cookie": "a=b",
	}})
	if fail != nil {
		t.Fatal(fail)
	}
	h := <-got
	for _, name := range []string{"Authorization", "X-Token", "Cookie", "Referer"} {
		if v := h.Get(name); v != "" {
			t.Errorf("header %s: %q followed to another host", name, v)
		}
	}
	if h.Get("Idempotency-Key") == "" || h.Get("Content-Type") != "application/json" {
		t.Errorf("headers of the request itself are lost: %v", h)
	}
}

// TestHTTPNamedAddress: what the graph's text says is the author's word; what
// data says is checked, and so is where a redirect leads.
func TestHTTPNamedAddress(t *testing.T) {
	t.Parallel()
	other := serve(t, func(http.ResponseWriter, *http.Request) {})
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/away" {
			http.Redirect(w, r, other.URL, http.StatusFound)
		}
	})
	for name, tt := range map[string]struct {
		written, url string
		refused      bool
	}{
		"written out":           {s.URL + "/a", s.URL + "/a", false},
		"path from data":        {s.URL + "/${{ state.path }}", s.URL + "/b", false},
		"from data":             {"${{ state.url }}", s.URL, true},
		"host from data":        {"http://${{ state.host }}/", s.URL + "/", true},
		"port from data":        {"http://127.0.0.1:${{ state.port }}/", s.URL + "/", true},
		"host continues":        {s.URL + "${{ state.rest }}", s.URL + "/", true},
		"redirected":            {s.URL + "/away", s.URL + "/away", true},
		"not known how written": {"", s.URL, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			task := nodes.Task{With: map[string]any{"url": tt.url}}
			if tt.written != "" {
				task.Written = tree.Of(map[string]any{"url": tt.written})
			}
			_, fail := nodes.Run(t.Context(), httpKind(charset.Find), task)
			if refused := fail != nil && fail.Kind == "config"; refused != tt.refused {
				t.Errorf("refused: %v (%v), want %v", refused, fail, tt.refused)
			}
		})
	}
}

func TestNamedAddressIsAnAddress(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"http://127.0.0.1/a":       "127.0.0.1:80",
		"https://[::1]/a":          "[::1]:443",
		"http://localhost:81?a=b":  "localhost:81",
		"http://db.internal:81/":   "", // a name server decides where this leads
		"http://me@127.0.0.1:81/":  "",
		"http://localhost.evil.io": "",
	} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := namedAddress(tree.Of(map[string]any{"url": text}), u); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

func TestIsPublic(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]bool{
		"93.184.216.34": true, "2606:2800:220:1::1": true, "172.32.0.1": true, "::ffff:93.184.216.34": true,
		"127.0.0.1": false, "127.9.9.9": false, "::1": false, "::ffff:127.0.0.1": false, "0.0.0.0": false, "0.1.2.3": false, "::": false,
		"10.1.2.3": false, "172.16.0.1": false, "192.168.1.1": false, "::ffff:10.0.0.1": false, "fd00::1": false,
		"169.254.169.254": false, "fe80::1%eth0": false, "100.64.0.1": false, "224.0.0.1": false, "ff02::1": false,
		"255.255.255.255": false, "198.18.0.1": false, "64:ff9b::7f00:1": false, "2002:7f00:1::": false, "::127.0.0.1": false,
	} {
		if got := isPublic(netip.MustParseAddr(addr)); got != want {
			t.Errorf("isPublic(%s) = %v", addr, got)
		}
	}
}

// The engine's environment may name a proxy; a graph must not go through it.
func TestHTTPTakesNoProxy(t *testing.T) {
	t.Parallel()
	client, done := newClient(guard{allowAll: true})
	defer done()
	if client.Transport.(*http.Transport).Proxy != nil {
		t.Error("the transport has a proxy")
	}
}

func TestHTTPCancel(t *testing.T) {
	t.Parallel()
	arrived, release := make(chan struct{}), make(chan struct{})
	s := serve(t, func(http.ResponseWriter, *http.Request) { close(arrived); <-release })
	defer close(release)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	_, fail := nodes.Run(ctx, httpKind(charset.Find), nodes.Task{With: map[string]any{"url": s.URL, "allow_private": true}})
	if fail == nil || fail.Kind != "cancelled" {
		t.Errorf("got %v, want kind cancelled", fail)
	}
}

func TestHeaderText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"a/b:1":  "a/b:1",
		"a\r\nb": "a%0D%0Ab",
		"ü 1":    "%C3%BC+1",
	} {
		if got := headerText(in); got != want {
			t.Errorf("headerText(%q) = %q, want %q", in, got, want)
		}
	}
}

// TestHTTPErrorsAreNotCutWithinASecret: a server may tell a token back, and
// half of one would not be masked.
func TestHTTPErrorsAreNotCutWithinASecret(t *testing.T) {
	t.Parallel()
	const secret = "hunter2hunter2"
	before := strings.Repeat("n", errorPiece-len(secret)/2)
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", strings.Repeat("9", 39)+secret)
		w.WriteHeader(http.StatusTooManyRequests)
		io.WriteString(w, before+secret)
	})
	_, fail := nodes.Run(t.Context(), httpKind(charset.Find), nodes.Task{
		With: map[string]any{"url": s.URL, "allow_private": true},
		Mask: func(s string) string { return strings.ReplaceAll(s, secret, "***") },
	})
	want := "GET " + s.URL + `: status 429 Too Many Requests (retry after "` + strings.Repeat("9", 39) + `"): ` + before
	if fail == nil || fail.Message != want {
		t.Errorf("got %v\nwant %s", fail, want)
	}
}
