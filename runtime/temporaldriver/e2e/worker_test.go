package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/graphrun/graphrun/runtime/temporaldriver"
	"github.com/graphrun/graphrun/runtime/temporaldriver/e2e/cluster"
)

// With this variable the test binary is a worker; it has the settings as JSON.
const roleEnv = "E2E_WORKER"

// settings are those of a worker.
type settings struct {
	Address   string
	Queue     string
	Ledger    string
	Heartbeat time.Duration
	Events    int // per workflow; 0 means as many as the server suggests
	Parallel  int
}

func (s *settings) options(l *ledger) (temporaldriver.Options, error) {
	k, err := kinds(l)
	return temporaldriver.Options{
		TaskQueue: s.Queue, Kinds: k, Heartbeat: s.Heartbeat, EventsPerRun: s.Events, Parallel: s.Parallel,
		Grace: time.Second, History: -1,
	}, err
}

// workerMain works until the standard input ends.
func workerMain() error {
	var s settings
	if err := json.Unmarshal([]byte(os.Getenv(roleEnv)), &s); err != nil {
		return err
	}
	l, err := openLedger(s.Ledger)
	if err != nil {
		return err
	}
	c, err := dialAgain(context.Background(), s.Address)
	if err != nil {
		return err
	}
	defer c.Close()
	o, err := s.options(l)
	if err != nil {
		return err
	}
	var w *temporaldriver.Worker
	for {
		if w, err = temporaldriver.NewWorker(c, o); err != nil {
			return err
		}
		if err = w.Start(); err == nil {
			break
		}
		<-time.After(100 * time.Millisecond) // the server is dead at the moment
	}
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin)
	return w.Stop()
}

// dialAgain connects to a server that may be dead at the moment.
func dialAgain(ctx context.Context, address string) (c client.Client, err error) {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		if c, err = cluster.Dial(ctx, address); err == nil {
			return c, nil
		}
		<-time.After(100 * time.Millisecond)
	}
	return nil, err
}

// worker is a worker in a process of its own, which a test kills and starts again.
type worker struct {
	t *testing.T
	s settings

	mu    sync.Mutex
	cmd   *exec.Cmd
	leash io.Closer
	ended chan error
}

// newWorker starts a worker. It ends with the test.
func newWorker(t *testing.T, s settings) *worker {
	t.Helper()
	w := &worker{t: t, s: s}
	t.Cleanup(w.kill)
	w.again()
	return w
}

// again starts the worker, and returns when it works.
func (w *worker) again() {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	b, err := json.Marshal(w.s)
	if err != nil {
		w.t.Error(err)
		return
	}
	w.cmd = exec.Command(os.Args[0])
	w.cmd.Env = append(os.Environ(), roleEnv+"="+string(b))
	w.cmd.Stderr = os.Stderr
	out, err1 := w.cmd.StdoutPipe()
	leash, err2 := w.cmd.StdinPipe()
	if err := errors.Join(err1, err2); err != nil {
		w.t.Error(err)
		return
	}
	if err := w.cmd.Start(); err != nil {
		w.t.Error(err)
		return
	}
	w.leash, w.ended = leash, make(chan error, 1)
	ready := make(chan error, 1)
	cmd, ended := w.cmd, w.ended
	go func() {
		line, err := bufio.NewReader(out).ReadString('\n')
		if line == "ready\n" {
			err = nil
		}
		ready <- err
		_, _ = io.Copy(io.Discard, out)
		ended <- cmd.Wait()
	}()
	if err := <-ready; err != nil {
		w.t.Errorf("a worker does not begin: %v", err)
	}
}

// kill ends the worker by SIGKILL.
func (w *worker) kill() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cmd == nil || w.cmd.Process == nil || w.ended == nil {
		return
	}
	_ = w.cmd.Process.Kill()
	<-w.ended
	_ = w.leash.Close()
	w.cmd, w.ended = nil, nil
}
