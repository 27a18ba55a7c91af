package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/boltstore"
	"github.com/graphrun/graphrun/runtime/commitlog"
)

// killAfter is how long a fleet runs before it is killed: less than the time after which
// the store brings its database up to the log, so all of the log has to be read.
const killAfter = 800 * time.Millisecond

// recovery lets a process run a fleet, kills it, and opens its store.
func recovery(ctx context.Context, j job, m *meter) error {
	path := filepath.Join(j.Dir, "bench.db")
	if err := killed(ctx, j, path); err != nil {
		return err
	}
	var err error
	if m.Log, err = logged(path); err != nil {
		return err
	}
	m.begin()
	s, err := boltstore.Open(path, boltstore.Options{})
	if err != nil {
		return err
	}
	m.end()
	m.Cycles = 1
	stacks := 0
	err = s.Stacks(ctx, func(runtime.Summary) error {
		stacks++
		return nil
	})
	if err == nil && stacks == 0 {
		err = errors.New("no stack survived")
	}
	if cerr := s.Close(); err == nil {
		err = cerr
	}
	m.closed()
	return err
}

// killed runs a fleet in a process of its own and kills it.
func killed(ctx context.Context, j job, path string) error {
	j.Work, j.Class, j.Stacks, j.Cycles = fleetOf, powerSafe, max(1, j.Stacks), 1_000_000
	text, err := json.Marshal(j)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), jobEnv+"="+string(text))
	if err := cmd.Start(); err != nil {
		return err
	}
	over := make(chan error, 1)
	go func() { over <- cmd.Wait() }()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	var until time.Time
	for until.IsZero() || time.Now().Before(until) {
		select {
		case <-look.C:
		case err := <-over:
			return fmt.Errorf("the fleet ended by itself: %v", err)
		}
		if _, err := os.Stat(path); until.IsZero() && err == nil {
			until = time.Now().Add(killAfter)
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		return err
	}
	<-over
	return nil
}

// logged returns how many bytes of the log of a database are written: what follows them is
// zeros.
func logged(path string) (n int64, err error) {
	for _, name := range commitlog.Files(path) {
		data, err := os.ReadFile(name)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return 0, err
		}
		n += int64(len(bytes.TrimRight(data, "\x00")))
	}
	return n, nil
}
