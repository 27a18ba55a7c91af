package cluster

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
)

// Options say how a server runs.
type Options struct {
	Program string   // the server, from Build
	Dir     string   // where its database is
	Flags   []string // more flags of the server
	Log     io.Writer
}

// Cluster is a server in a process. It is safe for concurrent use.
type Cluster struct {
	o    Options
	port int

	mu      sync.Mutex
	process *process // nil while it is dead
}

// process is one life of the server.
type process struct {
	cmd   *exec.Cmd
	leash io.Closer
	ended chan error
}

// Start starts a server and returns when it serves. Errors say what the server said.
func Start(ctx context.Context, o Options) (*Cluster, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	c := &Cluster{o: o, port: port}
	return c, c.Again(ctx)
}

// Address is where the server listens, as HOST:PORT. It stays the same over kills.
func (c *Cluster) Address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(c.port)) }

// Dial connects to the server. The client is the caller's to close; it survives kills of the
// server.
func (c *Cluster) Dial(ctx context.Context) (client.Client, error) { return Dial(ctx, c.Address()) }

// Dial connects to a server by its address, without logging.
func Dial(ctx context.Context, address string) (client.Client, error) {
	return client.DialContext(ctx, client.Options{HostPort: address, Identity: "graphrun", Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler))})
}

// Pid is the process of the server, 0 while it is dead.
func (c *Cluster) Pid() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.process == nil {
		return 0
	}
	return c.process.cmd.Process.Pid
}

// Kill ends the server by SIGKILL, and returns when its process is gone.
func (c *Cluster) Kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p := c.process; p != nil {
		_ = p.cmd.Process.Kill()
		<-p.ended
		_ = p.leash.Close()
		c.process = nil
	}
}

// Close ends the server for good.
func (c *Cluster) Close() { c.Kill() }

// Again starts a server that was killed, on the same database and the same address, and returns
// when it serves.
func (c *Cluster) Again(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.process != nil {
		return errors.New("the server runs")
	}
	flags := append([]string{"-database", filepath.Join(c.o.Dir, "temporal.db"), "-port", strconv.Itoa(c.port)}, c.o.Flags...)
	p := &process{cmd: exec.Command(c.o.Program, flags...), ended: make(chan error, 1)}
	p.cmd.Stderr = c.o.Log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if p.leash, err = p.cmd.StdinPipe(); err != nil {
		return err
	}
	if err := p.cmd.Start(); err != nil {
		return err
	}
	ready := make(chan bool, 1)
	go func() {
		line, _ := bufio.NewReader(out).ReadString('\n')
		ready <- line == "ready\n"
		_, _ = io.Copy(io.Discard, out)
		p.ended <- p.cmd.Wait()
	}()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	select {
	case ok := <-ready:
		if ok {
			c.process = p
			return nil
		}
		err = fmt.Errorf("the server ended before it served: %w", <-p.ended)
	case <-ctx.Done():
		_ = p.cmd.Process.Kill()
		<-p.ended
		err = fmt.Errorf("the server does not serve: %w", ctx.Err())
	}
	_ = p.leash.Close()
	return err
}

// freePort is a port that nobody has. It is none of those that systems give to whoever connects:
// while the server is dead, a client that tries to reach it could get its port.
func freePort() (int, error) {
	var last error
	for range 100 {
		port := 20000 + rand.IntN(10000)
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return port, l.Close()
		}
		last = err
	}
	return 0, last
}
