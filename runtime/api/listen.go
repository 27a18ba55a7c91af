package api

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// DefaultListen is where `serve` listens.
	DefaultListen = "127.0.0.1:7878"

	maxHeader      = 16 << 10
	headerSlop     = 4 << 10 // what net/http lets pass beyond its bound
	headerTimeout  = 5 * time.Second
	readTimeout    = 30 * time.Second
	writeTimeout   = 30 * time.Second // of an answer, and of each piece of a stream
	idleTimeout    = 2 * time.Minute
	maxConnections = maxStreams + 100
	maxStreams     = 1000
	closeTimeout   = 2 * time.Second
)

// Listen opens a TCP port for a Handler. An address that others than this
// machine can reach is refused unless the connection is encrypted, or insecure
// says that it need not be: the token would travel in the clear.
func Listen(addr string, secure *tls.Config, insecure bool) (net.Listener, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("listen address %q: expected HOST:PORT", addr)
	}
	if secure == nil && !insecure && !loopback(host) {
		return nil, fmt.Errorf("listen address %q can be reached from other machines, and the token would travel in the clear: give TLS files, or say --insecure", addr)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %q: %w", addr, err)
	}
	if secure != nil {
		return tls.NewListener(l, secure), nil
	}
	return l, nil
}

// loopback reports whether a host is this machine whoever asks.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// closingKey is where the context of a request has the end of its server.
type closingKey struct{}

// closing is closed when the server that a request came to is about to end.
func closing(ctx context.Context) <-chan struct{} {
	c, _ := ctx.Value(closingKey{}).(<-chan struct{})
	return c
}

// Serve answers on a listener until ctx ends; then streams end, and requests
// that are under way get a moment. The listener is closed. It returns why the
// listener broke, if it did.
func Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	base, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	s := newServer(context.WithValue(base, closingKey{}, ctx.Done()), h)
	over := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(over)
		hurry, cancel := context.WithTimeout(base, closeTimeout)
		defer cancel()
		if s.Shutdown(hurry) != nil {
			_ = s.Close() // those who are still there were given their moment
		}
	})
	err := s.Serve(&boundListener{Listener: l, slots: make(chan struct{}, maxConnections)})
	if !stop() {
		<-over
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

func newServer(base context.Context, h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		BaseContext:       func(net.Listener) context.Context { return base },
		MaxHeaderBytes:    maxHeader - headerSlop,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		IdleTimeout:       idleTimeout,
		ErrorLog:          silent, // what clients do wrong is theirs to know
	}
}

// boundListener accepts no more than so many connections at once; others wait
// in the system's queue.
type boundListener struct {
	net.Listener
	slots chan struct{}
}

func (l *boundListener) Accept() (net.Conn, error) {
	l.slots <- struct{}{}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.slots
		return nil, err
	}
	return &boundConn{Conn: c, leave: sync.OnceFunc(func() { <-l.slots })}, nil
}

type boundConn struct {
	net.Conn
	leave func()
}

func (c *boundConn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
