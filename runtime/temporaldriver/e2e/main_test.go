package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime/temporaldriver/e2e/cluster"
)

// long is set for tests that take many minutes. Without it each does a part.
var long = os.Getenv("E2E") == "long"

// shared is what the tests of one run have in common.
var shared struct {
	dir     string
	scenes  string // a copy of testdata/scenes, because recorded histories have the paths of graphs
	program func() (string, error)
	cluster func() (*cluster.Cluster, error)
}

func TestMain(m *testing.M) {
	if os.Getenv(roleEnv) != "" {
		if err := workerMain(); err != nil {
			fmt.Fprintln(os.Stderr, "worker:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "graphrun-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	shared.dir, shared.scenes = dir, filepath.Join(dir, "scenes")
	if err := os.CopyFS(shared.scenes, os.DirFS("testdata/scenes")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	shared.program = sync.OnceValues(func() (string, error) {
		ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute) // a cold build
		defer cancel()
		return cluster.Build(ctx, dir)
	})
	var one *cluster.Cluster
	shared.cluster = sync.OnceValues(func() (c *cluster.Cluster, err error) {
		program, err := shared.program()
		if err != nil {
			return nil, err
		}
		one, err = cluster.Start(context.Background(), cluster.Options{Program: program, Dir: dir, Log: os.Stderr})
		return one, err
	})
	code := m.Run()
	if one != nil {
		one.Close()
	}
	return code
}

// ownCluster is a server that a test may kill.
func ownCluster(t *testing.T) *cluster.Cluster {
	t.Helper()
	program, err := shared.program()
	if err != nil {
		t.Fatal(err)
	}
	c, err := cluster.Start(t.Context(), cluster.Options{Program: program, Dir: t.TempDir(), Log: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// sharedCluster is a server that all tests use, and that nobody kills.
func sharedCluster(t *testing.T) *cluster.Cluster {
	t.Helper()
	c, err := shared.cluster()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// until waits until a condition holds.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	end := time.After(2 * time.Minute)
	for !holds() {
		select {
		case <-end:
			t.Fatalf("%s: it does not come", what)
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// registry has the kinds of these tests, to compile graphs, with a ledger.
func registry(t *testing.T, path string) *nodes.Registry {
	t.Helper()
	l, err := openLedger(path)
	if err != nil {
		t.Fatal(err)
	}
	k, err := kinds(l)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// tempFile is a path in a folder of the test.
func tempFile(t *testing.T, name string) string {
	t.Helper()
	return filepath.Join(t.TempDir(), name)
}
