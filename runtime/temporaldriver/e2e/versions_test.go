package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/runtime"
)

// versionGraph does one cycle per event, in which it says which version of it did so.
const versionGraph = `
graphrun: 1
name: versions
state:
  log: {type: list(string), reduce: append}
  seen: {type: integer, reduce: sum}
  order: {type: list(string), reduce: append}
events: {order: {to: order}}
nodes:
  hold: {uses: gate, with: {file: "${{ state.order[len(state.order) - 1] }}"}}
  say: {uses: set, with: {text: "VERSION"}, writes: {log: "[output.text]", seen: "1"}}
edges:
  - {to: hold, when: len(state.order) > state.seen}
  - {from: hold, to: say}
pause: none
stop: state.seen >= 6
`

// TestVersions: stacks under two versions of a graph run side by side on two workers, a stack that
// is offered a changed graph runs under it from the next cycle, if it fits, and stays as it is
// otherwise. What a stack runs under outlives its workers.
func TestVersions(t *testing.T) {
	t.Parallel()
	ctx, c := t.Context(), sharedCluster(t)
	s := settings{Address: c.Address(), Queue: t.Name(), Ledger: tempFile(t, "ledger"), Heartbeat: 2 * time.Second}
	workers := []*worker{newWorker(t, s), newWorker(t, s)}
	k := registry(t, s.Ledger)
	all := newStacks(t, c.Address(), s.Queue, k)
	version := func(name string) *graph.Graph {
		return compile(t, strings.ReplaceAll(versionGraph, "VERSION", name), k)
	}
	one, two, three := version("one"), version("two"), version("three")
	unfit := compile(t, strings.NewReplacer("log: {type: list(string)", "log: {type: list(integer)", "[output.text]", "[1]").Replace(versionGraph), k)
	for id, g := range map[string]*graph.Graph{"changes": one, "stays": one, "begins": two} {
		if err := all.Start(ctx, g, runtime.StartOptions{ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	open := tempFile(t, "open")
	if err := os.WriteFile(open, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	orders := 0
	order := func(file string) {
		t.Helper()
		orders++
		for _, id := range []string{"changes", "stays", "begins"} {
			if _, err := all.Send(ctx, runtime.Send{Stack: id, ID: fmt.Sprint(orders), Event: "order", Payload: []any{file}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	said := func(id string) []string {
		snap, err := all.State(ctx, id)
		if err != nil {
			t.Log(err)
			return nil
		}
		return list(snap.State["log"])
	}
	done := func() {
		t.Helper()
		for _, id := range []string{"changes", "stays", "begins"} {
			until(t, fmt.Sprintf("cycle %d of %s", orders, id), func() bool { return len(said(id)) == orders })
		}
	}
	adopt := func(g *graph.Graph, fits, waits bool) {
		t.Helper()
		pending, err := all.Adopt(ctx, "changes", g, nil)
		var unfit *runtime.AdoptError
		switch {
		case fits && (err != nil || pending != waits):
			t.Errorf("a graph that fits: pending %v, %v", pending, err)
		case !fits && !errors.As(err, &unfit):
			t.Errorf("a graph that does not fit: %v", err)
		}
	}

	order(open)
	done()
	adopt(two, true, false)
	order(open)
	done()
	adopt(unfit, false, false)
	order(open)
	done()

	// A cycle is open: it ends under the graph that it began with.
	later := tempFile(t, "later")
	order(later)
	for _, id := range []string{"changes", "stays", "begins"} {
		until(t, "an open cycle of "+id, func() bool {
			sum, err := all.Stack(ctx, id)
			return err == nil && sum.Cursor.Open
		})
	}
	adopt(three, true, true)
	if sum, err := all.Stack(ctx, "changes"); err != nil || sum.Cursor.Hash != two.Hash {
		t.Errorf("the graph of an open cycle changes: %v", err)
	}
	if err := os.WriteFile(later, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	done()
	order(open)
	done()
	for _, w := range workers {
		w.kill()
	}
	for _, w := range workers {
		w.again()
	}
	order(open)
	for id, want := range map[string]string{
		"changes": "one two two two three three",
		"stays":   "one one one one one one",
		"begins":  "two two two two two two",
	} {
		out, err := all.Wait(context.WithoutCancel(ctx), id)
		if err != nil {
			t.Fatal(err)
		}
		state, _ := out.State.Any().(map[string]any)
		if d := cmp.Diff(strings.Fields(want), list(state["log"])); d != "" {
			t.Errorf("%s: versions by cycle (- want, + got):\n%s", id, d)
		}
	}
	o, err := s.options(nil)
	if err != nil {
		t.Fatal(err)
	}
	all.replay(t, o, "changes", "stays", "begins")
	all.record(t, "versions", "changes", 1)
}
