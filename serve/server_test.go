package serve_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/nodes/std"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
	"github.com/graphrun/graphrun/runtime/memstore"
	"github.com/graphrun/graphrun/serve"
)

const tick = `graphrun: 1
name: tick
state: {n: {type: integer, reduce: sum}}
nodes:
  count: {uses: set, with: {n: 1}, writes: {n: output.n}}
edges: [{to: count}]
pause: 1h
`

var silent = slog.New(slog.DiscardHandler)

// write puts a text into a file of a folder.
func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func load(t *testing.T, paths ...string) *serve.Graphs {
	t.Helper()
	graphs, err := serve.LoadGraphs(paths, std.Registry(), silent)
	if err != nil {
		t.Fatal(err)
	}
	return graphs
}

// begin runs a server in the background. end ends it, and gives what Run returned.
func begin(t *testing.T, o serve.Options) (end func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan error, 1)
	go func() { over <- serve.Run(ctx, o) }()
	return func() error {
		cancel()
		err := <-over
		over <- err
		return err
	}
}

// options are those of a server without a port.
func options(t *testing.T, store runtime.Store, graphs *serve.Graphs) serve.Options {
	t.Helper()
	return serve.Options{Path: filepath.Join(t.TempDir(), "s.db"), Store: store, Kinds: std.Registry(), Graphs: graphs, Logger: silent}
}

// connect waits until a server answers at its control socket.
func connect(t *testing.T, path string) *api.Client {
	t.Helper()
	for {
		c, err := api.DialOwner(t.Context(), path)
		if err == nil {
			t.Cleanup(func() { _ = c.Close() })
			return c
		}
		if !errors.Is(err, api.ErrNoOwner) {
			t.Fatal(err)
		}
	}
}

// TestRun: stacks are started by name through the control socket, and another
// server on the same store continues them.
func TestRun(t *testing.T) {
	t.Parallel()
	dir, store := t.TempDir(), memstore.New()
	write(t, dir, "tick.graphrun.yaml", tick)
	for _, cycle := range []uint64{1, 2} {
		o := options(t, store, load(t, dir))
		end := begin(t, o)
		c := connect(t, o.Path)
		if cycle == 1 {
			if _, err := c.Start(t.Context(), api.StartRequest{Graph: "tick", Stack: "a"}); err != nil {
				t.Fatal(err)
			}
		} else if err := c.Wake(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		err := c.Records(t.Context(), "a", api.Read{Follow: true, Journal: true}, func(line []byte) error {
			r, err := journal.ParseRecord(line)
			if _, ok := r.Body.(*journal.CycleFinished); ok && r.Cycle == cycle {
				return errEnough
			}
			return err
		})
		if !errors.Is(err, errEnough) {
			t.Fatal(err)
		}
		if err := end(); err != nil {
			t.Errorf("the end of its context: %v", err)
		}
	}
	snap, err := store.Load(t.Context(), "a")
	if diff := cmp.Diff(map[string]any{"n": int64(2)}, journal.Visible(snap.State)); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

var errEnough = errors.New("enough was read")

// TestReload: a file that changed is adopted, a broken one is refused and changes
// nothing, and so is one with a name that is taken.
func TestReload(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := write(t, dir, "tick.graphrun.yaml", tick)
	graphs := load(t, dir)
	o := options(t, memstore.New(), graphs)
	end := begin(t, o)
	c := connect(t, o.Path)
	reload := func() api.Reloaded {
		t.Helper()
		r, err := c.Reload(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := reload(); len(r.Changed)+len(r.Refused) != 0 {
		t.Errorf("the same file: %+v", r)
	}
	write(t, dir, "tick.graphrun.yaml", strings.Replace(tick, "n: 1}", "n: 2}", 1))
	if r := reload(); !slices.Equal(r.Changed, []string{"tick"}) {
		t.Errorf("a changed file: %+v", r)
	}
	g, _, _ := graphs.Graph("tick")
	write(t, dir, "tick.graphrun.yaml", strings.Replace(tick, "uses: set", "uses: sett", 1))
	if r := reload(); len(r.Refused) != 1 || r.Refused[0].File != file || !strings.Contains(r.Refused[0].Reason, "sett") {
		t.Errorf("a broken file: %+v", r)
	}
	if now, _, _ := graphs.Graph("tick"); now != g {
		t.Error("a broken file changed the graph")
	}
	write(t, dir, "tick.graphrun.yaml", tick)
	write(t, dir, "tock.graphrun.yaml", tick)
	if r := reload(); !slices.Equal(r.Changed, []string{"tick"}) || len(r.Refused) != 1 || !strings.Contains(r.Refused[0].Reason, `is graph "tick" already`) {
		t.Errorf("two files of one name: %+v", r)
	}
	if want := []string{file, filepath.Join(dir, "tock.graphrun.yaml")}; !slices.Equal(graphs.Files(), want) {
		t.Errorf("the files are %q, want %q", graphs.Files(), want)
	}
	if err := end(); err != nil {
		t.Error(err)
	}
}

// TestLoadGraphs: a server does not start with half of its graphs.
func TestLoadGraphs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	good := write(t, dir, "good.yaml", tick)
	twin := write(t, dir, "twin.yaml", tick)
	broken := write(t, dir, "broken.yaml", strings.Replace(tick, "uses: set", "uses: sett", 1))
	for _, c := range []struct {
		paths []string
		says  string
	}{
		{[]string{filepath.Join(dir, "none.yaml")}, "there is no file or folder"},
		{[]string{t.TempDir()}, "there is no graph (*.graphrun.yaml) in"},
		{[]string{good, twin}, `are both graph "tick"`},
		{[]string{good, broken}, `unknown kind "sett"`},
	} {
		_, err := serve.LoadGraphs(c.paths, std.Registry(), silent)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q: %v, want %q", c.paths, err, c.says)
		}
		var invalid *serve.InvalidError
		if errors.As(err, &invalid) != (c.paths[len(c.paths)-1] == broken) {
			t.Errorf("%q: %T", c.paths, err)
		}
	}
}

// TestEndsAtOnce: a server whose context has ended ends well, before it serves.
func TestEndsAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "tick.graphrun.yaml", tick)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := serve.Run(ctx, options(t, memstore.New(), load(t, dir))); err != nil {
		t.Error(err)
	}
}

// TestBrokenPort: a port that breaks ends the server with an error.
func TestBrokenPort(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "tick.graphrun.yaml", tick)
	o := options(t, memstore.New(), load(t, dir))
	port, err := serve.Listen("127.0.0.1:0", serve.ListenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	o.Port = port
	if err := port.Close(); err != nil {
		t.Fatal(err)
	}
	if err := serve.Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "the API broke") {
		t.Errorf("ended with %v", err)
	}
}

// TestReloadOfTypes: a changed file of types changes the graphs that take types of it, and
// one that lacks them is refused.
func TestReloadOfTypes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "tick.graphrun.yaml", tick)
	file := write(t, dir, "typed.graphrun.yaml", "graphrun: 1\nname: typed\nstate: {n: {$ref: \"types.yaml#/N\"}}\nnodes: {a: {uses: set}}\nlimits: {cycles: 1}\n")
	write(t, dir, "types.yaml", "N: integer\n")
	graphs := load(t, dir)
	o := options(t, memstore.New(), graphs)
	end := begin(t, o)
	c := connect(t, o.Path)
	changes := func(types string, changed []string, refused int) {
		t.Helper()
		write(t, dir, "types.yaml", types)
		r, err := c.Reload(t.Context())
		if err != nil || !slices.Equal(r.Changed, changed) || len(r.Refused) != refused {
			t.Errorf("%q: %+v, %v", types, r, err)
		}
	}
	changes("N: integer\n", nil, 0)
	changes("N: string\n", []string{"typed"}, 0)
	if g, _, _ := graphs.Graph("typed"); g.Keys[0].Type.Kind != schema.String {
		t.Errorf("the key is %s", g.Keys[0].Type)
	}
	changes("M: string\n", nil, 1)
	changes("N: boolean\n", []string{"typed"}, 0)
	if !slices.Contains(graphs.Files(), file) {
		t.Errorf("the files are %q", graphs.Files())
	}
	if err := end(); err != nil {
		t.Error(err)
	}
}
