package api_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
)

// serveOwner answers at the control socket of db until the test ends.
func serveOwner(t *testing.T, r *rig, db string) (stop func()) {
	t.Helper()
	l, err := api.ListenOwner(db)
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	over := make(chan error, 1)
	go func() { over <- api.Serve(ctx, l, r.handler(api.Door{Trusted: true})) }()
	return func() {
		end()
		if err := <-over; err != nil {
			t.Error(err)
		}
	}
}

// TestOwnerSocket: it is private, replaces that of a dead owner, is found again
// whatever the length of its path, and is gone at the end.
func TestOwnerSocket(t *testing.T) {
	t.Parallel()
	for name, folder := range map[string]string{"short": "s", "long": strings.Repeat("long", 30)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			dir := filepath.Join(t.TempDir(), folder)
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			db := filepath.Join(dir, "graphrun.db")
			if _, err := api.DialOwner(t.Context(), db); !errors.Is(err, api.ErrNoOwner) {
				t.Fatalf("nobody is there, but: %v", err)
			}
			if err := os.WriteFile(api.SocketPath(db), nil, 0o600); err != nil { // what a dead owner left
				t.Fatal(err)
			}
			stop := serveOwner(t, r, db)
			c, err := api.DialOwner(t.Context(), db)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Stacks(t.Context(), func(api.Stack) error { return nil }); err != nil {
				t.Error(err)
			}
			_ = c.Close()
			if info, err := os.Stat(api.SocketPath(db)); name == "short" && (err != nil || info.Mode().Perm() != 0o600) {
				t.Errorf("the socket is %v: %v", info.Mode(), err)
			}
			stop()
			left, err := os.ReadDir(dir)
			if err != nil || len(left) != 0 {
				t.Errorf("left behind: %v %v", left, err)
			}
			if _, err := api.DialOwner(t.Context(), db); !errors.Is(err, api.ErrNoOwner) {
				t.Errorf("nobody is there any more, but: %v", err)
			}
		})
	}
}

// TestStaleSocket: a socket that nobody listens at is no owner.
func TestStaleSocket(t *testing.T) {
	t.Parallel()
	db := filepath.Join(t.TempDir(), "graphrun.db")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: api.SocketPath(db), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	_ = l.Close()
	if _, err := api.DialOwner(t.Context(), db); !errors.Is(err, api.ErrNoOwner) {
		t.Errorf("a stale socket: %v", err)
	}
	serveOwner(t, newRig(t), db)()
}

// TestSilentOwner: a process that is there and does not answer, as one that was
// stopped, keeps nobody waiting for ever.
func TestSilentOwner(t *testing.T) {
	t.Parallel()
	db := filepath.Join(t.TempDir(), "graphrun.db")
	l, err := net.Listen("unix", api.SocketPath(db))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := api.DialOwner(t.Context(), db); !errors.Is(err, api.ErrSilent) {
		t.Errorf("error %v, want that it does not answer", err)
	}
}

func TestListen(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:0", "example.com:80"} {
		if l, err := api.Listen(addr, nil, false); err == nil || !strings.Contains(err.Error(), "--insecure") {
			t.Errorf("%s: %v", addr, err)
			if l != nil {
				_ = l.Close()
			}
		}
	}
	l, err := api.Listen("0.0.0.0:0", nil, true)
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
}

func TestToken(t *testing.T) {
	t.Parallel()
	db := filepath.Join(t.TempDir(), "graphrun.db")
	first, err := api.Token(db)
	if err != nil || len(first) != 64 {
		t.Fatalf("%q: %v", first, err)
	}
	if info, err := os.Stat(api.TokenPath(db)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	if again, err := api.Token(db); again != first || err != nil {
		t.Errorf("another token: %v", err)
	}
	if err := os.Chmod(api.TokenPath(db), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := api.Token(db); err == nil || !strings.Contains(err.Error(), "read by others") {
		t.Errorf("a token that others can read: %v", err)
	}
	if err := os.WriteFile(api.TokenPath(db), []byte("short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(api.TokenPath(db), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := api.Token(db); err == nil {
		t.Error("a token that is none was taken")
	}
}

// pipes is a listener that hands out one end of a pipe.
type pipes struct {
	conns chan net.Conn
	over  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.over:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	select {
	case <-p.over:
	default:
		close(p.over)
	}
	return nil
}
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// pipeServer answers at the other ends of pipes until it is ended.
type pipeServer struct {
	t    *testing.T
	l    *pipes
	end  context.CancelFunc
	over chan error
}

func servePipes(t *testing.T, h http.Handler) *pipeServer {
	ctx, end := context.WithCancel(context.Background())
	s := &pipeServer{t, &pipes{make(chan net.Conn), make(chan struct{})}, end, make(chan error, 1)}
	go func() { s.over <- api.Serve(ctx, s.l, h) }()
	return s
}

func (s *pipeServer) connect() net.Conn {
	ours, theirs := net.Pipe()
	s.l.conns <- theirs
	return ours
}

// close ends it and waits until it has.
func (s *pipeServer) close() {
	s.t.Helper()
	s.end()
	if err := <-s.over; err != nil {
		s.t.Error(err)
	}
}

// TestSlowHeader: the server closes a connection whose header is not complete in time.
func TestSlowHeader(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := servePipes(t, http.NotFoundHandler())
		ours := s.connect()
		begun := time.Now()
		if _, err := ours.Write([]byte("GET /v1/stacks HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 1)
		for {
			if _, err := ours.Read(buf); err != nil {
				break
			}
		}
		if took := time.Since(begun); took > 6*time.Second {
			t.Errorf("hung up after %s, want about 5s", took)
		}
		s.close()
	})
}

// TestSlowBody: a client that does not finish its body in time gets an error, and the
// connection ends.
func TestSlowBody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := servePipes(t, newRig(t).handler(api.Door{Trusted: true}))
		ours := s.connect()
		begun := time.Now()
		if _, err := io.WriteString(ours, "POST /v1/stacks HTTP/1.1\r\nHost: localhost\r\n"+
			"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"); err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(ours)
		if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 400 ") || !strings.Contains(string(answer), "cannot read the body") {
			t.Errorf("%v\n%s", err, answer)
		}
		if took := time.Since(begun); took > 32*time.Second {
			t.Errorf("hung up after %s, want about 30s", took)
		}
		s.close()
	})
}

// TestLargeHeader: 16 KiB come in, more do not.
func TestLargeHeader(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := servePipes(t, http.NotFoundHandler())
		for size, want := range map[int]int{15 << 10: http.StatusNotFound, 17 << 10: http.StatusRequestHeaderFieldsTooLarge} {
			ours := s.connect()
			go func() { // it may not be read to its end
				_, _ = io.WriteString(ours, "GET / HTTP/1.1\r\nHost: localhost\r\nX-Large: "+strings.Repeat("a", size)+"\r\n\r\n")
			}()
			resp, err := http.ReadResponse(bufio.NewReader(ours), nil)
			if err != nil || resp.StatusCode != want {
				t.Errorf("a header of %d bytes: %v (%v), want %d", size, resp, err, want)
			}
			_ = ours.Close()
		}
		s.close()
	})
}

// TestLongStream: a stream outlives every timeout, and ends with its server.
func TestLongStream(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		if _, err := r.rt.Start(t.Context(), counter(t), runtime.StartOptions{ID: "a"}); err != nil {
			t.Fatal(err)
		}
		s := servePipes(t, r.handler(api.Door{Trusted: true}))
		ours := s.connect()
		if _, err := ours.Write([]byte("GET /v1/stacks/a/records?follow=true HTTP/1.1\r\nHost: localhost\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(ours), nil)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatal(resp, err)
		}
		time.AfterFunc(10*time.Minute, func() {
			if err := r.rt.Wake(context.Background(), "a"); err != nil {
				t.Error(err)
			}
		})
		time.AfterFunc(20*time.Minute, s.end)
		body, err := io.ReadAll(resp.Body)
		if err != nil || strings.Count(string(body), "cycle.started") != 2 {
			t.Errorf("read for 20 minutes: %v\n%s", err, body)
		}
		s.close()
	})
}

// TestManyConnections: the one too many waits until another has gone.
func TestManyConnections(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := servePipes(t, http.NotFoundHandler())
		ask := func(c net.Conn) {
			if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
				t.Error(err)
			}
			if _, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil {
				t.Error(err)
			}
		}
		var open []net.Conn
		for range api.MaxConnections {
			ours := s.connect()
			ask(ours)
			open = append(open, ours)
		}
		accepted := make(chan net.Conn, 1)
		go func() { accepted <- s.connect() }()
		synctest.Wait()
		if len(accepted) > 0 {
			t.Error("one connection too many at once")
		}
		_ = open[0].Close()
		last := <-accepted
		ask(last)
		_ = last.Close()
		for _, c := range open[1:] {
			_ = c.Close()
		}
		s.close()
	})
}

// TestManyStreams: one stream too many is refused, and accepted when another has
// ended.
func TestManyStreams(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		if _, err := r.rt.Start(t.Context(), counter(t), runtime.StartOptions{ID: "a"}); err != nil {
			t.Fatal(err)
		}
		h := r.handler(api.Door{Trusted: true})
		follow := func(ctx context.Context) *httptest.ResponseRecorder {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/v1/stacks/a/records?follow=true", nil))
			return w
		}
		ctx, end := context.WithCancel(t.Context())
		first, leave := context.WithCancel(ctx)
		var all sync.WaitGroup
		all.Go(func() { follow(first) })
		for range 999 {
			all.Go(func() { follow(ctx) })
		}
		synctest.Wait()
		if w := follow(ctx); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "1000 streams already") {
			t.Errorf("the 1001st stream: %d %s", w.Code, w.Body)
		}
		leave()
		synctest.Wait()
		all.Go(func() {
			if w := follow(ctx); w.Code != http.StatusOK {
				t.Errorf("the stream that found room: %d %s", w.Code, w.Body)
			}
		})
		synctest.Wait()
		end()
		all.Wait()
	})
}
