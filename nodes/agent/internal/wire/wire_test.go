package wire_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/graphrun/graphrun/nodes/agent"
	"github.com/graphrun/graphrun/nodes/agent/internal/wire"
)

func client(t *testing.T, cfg agent.ProviderConfig, h http.HandlerFunc) *wire.Client {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	cfg.BaseURL = srv.URL
	c, err := wire.New(cfg, "", http.Header{"X-Api-Key": {cfg.Key}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// read asks and reads the whole answer.
func read(t *testing.T, ctx context.Context, c *wire.Client, limit int64) (string, error) {
	t.Helper()
	a, err := c.Post(ctx, limit, []byte("{}"), "x")
	if err != nil {
		return "", err
	}
	defer a.Close()
	if !a.Stream() {
		b, err := a.All()
		return string(b), err
	}
	var all []string
	for {
		data, err := a.Next()
		if errors.Is(err, io.EOF) {
			return strings.Join(all, "|"), nil
		}
		if err != nil {
			return strings.Join(all, "|"), err
		}
		all = append(all, string(data))
	}
}

func failed(t *testing.T, err error) agent.Error {
	t.Helper()
	var e *agent.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an *agent.Error", err)
	}
	return *e
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		header map[string]string
		want   time.Duration
		ok     bool
	}{
		{nil, 0, false},
		{map[string]string{"Retry-After": "2"}, 2 * time.Second, true},
		{map[string]string{"Retry-After": " 0.5 "}, 500 * time.Millisecond, true},
		{map[string]string{"Retry-After": "0"}, 0, true},
		{map[string]string{"Retry-After": "-1"}, 0, false},
		{map[string]string{"Retry-After": "soon"}, 0, false},
		{map[string]string{"Retry-After": "NaN"}, 0, false},
		{map[string]string{"Retry-After": "1e300"}, 365 * 24 * time.Hour, true},
		{map[string]string{"Retry-After": "Inf"}, 365 * 24 * time.Hour, true},
		{map[string]string{"Retry-After": "Sun, 29 Nov 2026 12:00:30 GMT"}, 30 * time.Second, true},
		{map[string]string{"Retry-After": "Sun, 29 Nov 2026 11:00:00 GMT"}, 0, true},
		{map[string]string{"Retry-After": "Sun, 29 Nov 2026 12:00:30 GMT", "Date": "Sun, 29 Nov 2026 12:00:20 GMT"}, 10 * time.Second, true},
		{map[string]string{"Retry-After": "60", "Retry-After-Ms": "1500"}, 1500 * time.Millisecond, true},
		{map[string]string{"Retry-After": "60", "Retry-After-Ms": "x"}, time.Minute, true},
	} {
		h := http.Header{}
		for k, v := range c.header {
			h.Set(k, v)
		}
		if got, ok := wire.RetryAfter(h, now); got != c.want || ok != c.ok {
			t.Errorf("%v: %s, %v, want %s, %v", c.header, got, ok, c.want, c.ok)
		}
	}
}

// TestFailure: an error is one line, bounded, and never shows the key.
func TestFailure(t *testing.T) {
	t.Parallel()
	key := "key-0123456789"
	c := client(t, agent.ProviderConfig{Key: key}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "13")
		w.WriteHeader(429)
		fmt.Fprintf(w, `{"error":{"message":"the key %s\n\u001b[31mis %s","type":"rate_limit"}}`, key, strings.Repeat("very long ", 1000))
	})
	_, err := read(t, t.Context(), c, 100)
	e := failed(t, err)
	if e.Status != 429 || e.Type != "rate_limit" || !e.HasRetryAfter || e.RetryAfter != 13*time.Second {
		t.Errorf("%+v", e)
	}
	if strings.Contains(e.Message, key) || strings.ContainsAny(e.Message, "\n\x1b") || len(e.Message) > 2100 || !strings.Contains(e.Message, "***") {
		t.Errorf("%q", e.Message)
	}
}

// TestQuiet: without a byte for the time of a question it is over, before the headers and
// within an answer; every byte puts the end off.
func TestQuiet(t *testing.T) {
	t.Parallel()
	for _, n := range []int{-1, 0, 5} {
		c := client(t, agent.ProviderConfig{QuestionTimeout: 150 * time.Millisecond}, func(w http.ResponseWriter, r *http.Request) {
			if n >= 0 {
				w.Header().Set("Content-Type", "text/event-stream")
				w.WriteHeader(200)
				_ = http.NewResponseController(w).Flush()
			}
			for range n {
				select {
				case <-time.After(50 * time.Millisecond):
				case <-r.Context().Done():
				}
				_, _ = io.WriteString(w, "data: x\n\n")
				_ = http.NewResponseController(w).Flush()
			}
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		})
		got, err := read(t, t.Context(), c, 1000)
		e := failed(t, err)
		if e.Status != 0 || e.Cut || e.Type != "timeout" || !strings.Contains(e.Message, "150ms") || got != strings.TrimSuffix(strings.Repeat("x|", max(n, 0)), "|") {
			t.Errorf("%d: %q, %+v", n, got, e)
		}
	}
}

// TestContext: when the context ends, its cause is the error.
func TestContext(t *testing.T) {
	t.Parallel()
	why := errors.New("the node is over")
	for _, headers := range []bool{false, true} {
		ctx, cancel := context.WithCancelCause(t.Context())
		c := client(t, agent.ProviderConfig{}, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			if headers {
				w.WriteHeader(200)
				_ = http.NewResponseController(w).Flush()
			}
			cancel(why)
			<-r.Context().Done()
		})
		if _, err := read(t, ctx, c, 1000); !errors.Is(err, why) {
			t.Errorf("%v", err)
		}
	}
}

func TestCut(t *testing.T) {
	t.Parallel()
	c := client(t, agent.ProviderConfig{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	_, err := read(t, t.Context(), c, 1000)
	if e := failed(t, err); !e.Cut || e.Status != 0 {
		t.Errorf("%+v", e)
	}
	c, err = wire.New(agent.ProviderConfig{BaseURL: "http://127.0.0.1:1"}, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = read(t, t.Context(), c, 1000)
	if e := failed(t, err); e.Cut || e.Status != 0 || !strings.Contains(e.Message, "refused") {
		t.Errorf("%+v", e)
	}
}

// TestRedirect: a key goes to no other host, and a question is not turned into another
// request.
func TestRedirect(t *testing.T) {
	t.Parallel()
	asked := 0
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { asked++ }))
	t.Cleanup(other.Close)
	for code, same := range map[int]bool{307: true, 308: true, 301: false, 302: false, 303: false} {
		c := client(t, agent.ProviderConfig{Key: "k"}, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/x" {
				http.Redirect(w, r, "/y", code)
				return
			}
			b, _ := io.ReadAll(r.Body)
			_, _ = w.Write(append(b, r.Header.Get("X-Api-Key")...))
		})
		got, err := read(t, t.Context(), c, 1000)
		if same && (err != nil || got != "{}k") {
			t.Errorf("%d: %q %v", code, got, err)
		}
		if !same && (err == nil || failed(t, err).Status != code || !strings.Contains(err.Error(), "base_url")) {
			t.Errorf("%d: %q %v", code, got, err)
		}
		c = client(t, agent.ProviderConfig{Key: "k"}, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL, code)
		})
		if _, err := read(t, t.Context(), c, 1000); err == nil || failed(t, err).Status != code {
			t.Errorf("%d: %v", code, err)
		}
	}
	if asked > 0 {
		t.Error("another host was asked")
	}
}

func gzipped(text string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, text)
	_ = z.Close()
	return b.Bytes()
}

// TestGzip: a server may compress although nobody asked; what comes out is bounded.
func TestGzip(t *testing.T) {
	t.Parallel()
	text := "hello"
	c := client(t, agent.ProviderConfig{}, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "identity" {
			t.Error("compression was asked for")
		}
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(gzipped(text))
	})
	if got, err := read(t, t.Context(), c, 1000); got != "hello" || err != nil {
		t.Error(got, err)
	}
	text = strings.Repeat("0", 10<<20)
	if _, err := read(t, t.Context(), c, 100_000); err == nil || !failed(t, err).Limit {
		t.Error(err)
	}
}

// TestReuse: a stream that was read to its last event leaves its connection to the next
// question, and no environment variable names a proxy.
func TestReuse(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	from := map[string]bool{}
	c := client(t, agent.ProviderConfig{}, func(w http.ResponseWriter, r *http.Request) {
		from[r.RemoteAddr] = true
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: x\n\ndata: [DONE]\n\n")
	})
	for range 3 {
		a, err := c.Post(t.Context(), 0, nil, "x")
		if err != nil {
			t.Fatal(err)
		}
		a.Stream()
		for {
			data, err := a.Next()
			if err != nil {
				t.Fatal(err)
			}
			if string(data) == "[DONE]" {
				a.Done()
				break
			}
		}
		a.Close()
	}
	if len(from) != 1 {
		t.Errorf("%d connections", len(from))
	}
}

// TestEndless: a stream that only keeps the connection alive ends at a bound.
func TestEndless(t *testing.T) {
	t.Parallel()
	c := client(t, agent.ProviderConfig{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for r.Context().Err() == nil {
			if _, err := io.WriteString(w, ": still there\n\n"); err != nil {
				return
			}
		}
	})
	if _, err := read(t, t.Context(), c, 1000); err == nil || !failed(t, err).Limit {
		t.Error(err)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("n", 80)
	tools := []agent.ToolSpec{{Name: "files/read"}, {Name: "a.b"}, {Name: "a_b"}, {Name: long + "1"}, {Name: long + "2"}, {Name: "memory/facts/write"}}
	names, seen := wire.NamesOf(tools), map[string]bool{}
	for _, tool := range tools {
		w := names.Wire(tool.Name)
		if len(w) > 64 || seen[w] || names.Graph(w) != tool.Name || wire.ID(w) != w {
			t.Errorf("%s is %s on the wire, and %s again", tool.Name, w, names.Graph(w))
		}
		seen[w] = true
	}
	if names.Wire("files/read") != "files__read" || names.Wire("other/tool") != "other__tool" || names.Graph("other__tool") != "other/tool" {
		t.Error("the names of tools are not as they are documented")
	}
}
