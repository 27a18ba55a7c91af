//go:build unix

package mcp

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// web is an MCP server with an address.
func webServer(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv
}

func streamable() http.Handler {
	server := standard()
	return mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, nil)
}

// TestAddresses: headers go along, on both transports of the protocol, and no proxy of
// the environment is asked.
func TestAddresses(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	server := standard()
	for name, h := range map[string]http.Handler{
		"streamable": streamable(),
		"sse":        mcp.NewSSEHandler(func(*http.Request) *mcp.Server { return server }, nil),
	} {
		var without atomic.Int64
		srv := webServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "Bearer hush-hush" {
				without.Add(1)
			}
			h.ServeHTTP(w, r)
		}))
		s := servers(t, nil)
		task := taskWith(t, map[string]any{"url": srv.URL + "/mcp", "headers": map[string]any{"Authorization": "Bearer ${{ secrets.TOKEN }}"}}, "echo")
		if got := call(t, s, task, "echo", map[string]any{"a": int64(1)}); got != `{"a":1}` {
			t.Errorf("%s: got %v", name, got)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if n := without.Load(); n > 0 {
			t.Errorf("%s: %d requests without the header", name, n)
		}
	}
}

// TestSessionsAreRenewed: a server that forgets them did nothing of what it was asked.
func TestSessionsAreRenewed(t *testing.T) {
	t.Parallel()
	var now atomic.Pointer[http.Handler]
	fresh := func() { h := streamable(); now.Store(&h) }
	fresh()
	srv := webServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*now.Load()).ServeHTTP(w, r) }))
	s, task := servers(t, nil), taskWith(t, map[string]any{"url": srv.URL}, "echo")
	for range 3 {
		if got := call(t, s, task, "echo", nil); got != "{}" {
			t.Errorf("got %v", got)
		}
		fresh()
	}
}

// TestRedirects: another host gets no headers of the graph.
func TestRedirects(t *testing.T) {
	t.Parallel()
	h := streamable()
	var leaked atomic.Int64
	other := webServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Key") != "" || r.Header.Get("Referer") != "" {
			leaked.Add(1)
		}
		h.ServeHTTP(w, r)
	}))
	first := webServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Key") != "hush-hush" {
			http.Error(w, "no key", http.StatusUnauthorized)
			return
		}
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	}))
	s := servers(t, nil)
	task := taskWith(t, map[string]any{"url": first.URL, "headers": map[string]any{"X-Key": "${{ secrets.TOKEN }}"}}, "echo")
	if _, err := s.Tools(t.Context(), task, "it"); err != nil {
		t.Error(err)
	}
	if n := leaked.Load(); n > 0 {
		t.Errorf("%d requests gave headers to another host", n)
	}
}

func TestAddressesThatDoNotAnswer(t *testing.T) {
	t.Parallel()
	s := servers(t, nil)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	_, err := s.Tools(t.Context(), taskWith(t, map[string]any{"url": gone.URL + "/?token=private"}, "echo"), "it")
	fails(t, err, "error", `server "it"`, "refused")
	if strings.Contains(err.Error(), "private") {
		t.Errorf("the query is in %v", err)
	}
	for status, kind := range map[int]string{http.StatusUnauthorized: "config", http.StatusNotFound: "config", http.StatusTooManyRequests: "error", http.StatusBadGateway: "error"} {
		srv := webServer(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		_, err := s.Tools(t.Context(), taskWith(t, map[string]any{"url": srv.URL}, "echo"), "it")
		fails(t, err, kind, `server "it"`)
	}
}
