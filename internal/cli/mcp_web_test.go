package cli

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/graphrun/graphrun/runtime/api"
)

// bearer shows a token with each request.
type bearer string

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(b))
	return http.DefaultTransport.RoundTrip(r)
}

// mcpOverHTTP is a desk that answers over HTTP to those who show a token.
func mcpOverHTTP(t *testing.T) (h http.Handler, secret string) {
	t.Helper()
	db := filepath.Join(t.TempDir(), "g.db")
	secret, err := api.Token(db)
	if err != nil {
		t.Fatal(err)
	}
	a := &app{in: strings.NewReader(""), out: &dataWriter{w: io.Discard}, err: io.Discard, db: db}
	return newDesk(a, false).web(api.Door{Token: secret, Tokens: api.OpenTokens(db)}), secret
}

// TestMCPOverHTTP: a client with the token has the tools; nobody else comes in.
func TestMCPOverHTTP(t *testing.T) {
	t.Parallel()
	h, secret := mcpOverHTTP(t)
	server := httptest.NewServer(h)
	defer server.Close()
	c := mcp.NewClient(&mcp.Implementation{Name: "tester", Version: "1"}, nil)
	s, err := c.Connect(t.Context(), &mcp.StreamableClientTransport{Endpoint: server.URL + mcpPath, HTTPClient: &http.Client{Transport: bearer(secret)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	agent := agentClient{t, s}
	agent.says("validate", map[string]any{"text": "graphrun: 1\nname: x\nnodes: {a: {uses: nothing}}\nedges: [{to: a}]\nonce: true\n"}, "unknown-kind")

	ask := func(change func(r *http.Request)) int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+mcpPath, strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"ping"}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "application/json, text/event-stream")
		r.Header.Set("Authorization", "Bearer "+secret)
		change(r)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		return answer.StatusCode
	}
	for name, tt := range map[string]struct {
		change func(r *http.Request)
		want   int
	}{
		"no token":       {func(r *http.Request) { r.Header.Del("Authorization") }, http.StatusUnauthorized},
		"another token":  {func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }, http.StatusUnauthorized},
		"another host":   {func(r *http.Request) { r.Host = "evil.example" }, http.StatusMisdirectedRequest},
		"another origin": {func(r *http.Request) { r.Header.Set("Origin", "http://evil.example") }, http.StatusForbidden},
		"another path":   {func(r *http.Request) { r.URL.Path = "/" }, http.StatusNotFound},
	} {
		if got := ask(tt.change); got != tt.want {
			t.Errorf("%s: %d, want %d", name, got, tt.want)
		}
	}
}

// TestMCPListens: only an address of this machine alone.
func TestMCPListens(t *testing.T) {
	t.Parallel()
	db := filepath.Join(t.TempDir(), "new", "g.db")
	d := newDesk(&app{in: strings.NewReader(""), out: &dataWriter{w: io.Discard}, err: io.Discard, db: db}, false)
	for _, address := range []string{"0.0.0.0:0", ":0", "example.org:80", "127.0.0.1"} {
		if err := d.serve(t.Context(), address); err == nil || !strings.Contains(err.Error(), "of this machine alone") {
			t.Errorf("%s: %v", address, err)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	_ = d.serve(ctx, "127.0.0.1:0") // it ends at once, as by a signal
	if _, err := os.Stat(api.TokenPath(db)); err != nil {
		t.Errorf("a server without a store has no token: %v", err)
	}
}

// TestMCPConformance runs the scenarios for servers of the official suite. Those that call
// what only the suite's own server has are in its list of expected failures.
func TestMCPConformance(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("MCP_SERVERS")
	if dir == "" {
		t.Skip("MCP_SERVERS names no folder with the conformance suite: see `make servers`")
	}
	suite, err := filepath.Abs(filepath.Join(dir, "conformance"))
	if err == nil {
		_, err = os.Stat(suite)
	}
	if err != nil {
		t.Skip(err)
	}
	expected, err := filepath.Abs("testdata/conformance.yaml")
	if err != nil {
		t.Fatal(err)
	}
	h, secret := mcpOverHTTP(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("Authorization", "Bearer "+secret) // the suite has no way to show a token
		h.ServeHTTP(w, r)
	}))
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, suite, "server", "--url", server.URL+mcpPath, "--expected-failures", expected)
	cmd.Dir = t.TempDir() // it leaves its results behind
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(suite)+string(filepath.ListSeparator)+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	for _, scenario := range []string{"server-initialize", "ping", "tools-list", "dns-rebinding-protection"} {
		if !strings.Contains(string(out), scenario) {
			t.Errorf("%s was not tried", scenario)
		}
	}
	t.Logf("%s", out)
}
