package machine

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
)

const outsideGraph = `
graphrun: 1
name: outside
state: {n: {type: integer, reduce: sum}, ok: "boolean?", got: {type: list(any), reduce: append, keep: 9}}
events: {add: {to: n}}
nodes:
  ask: {uses: approval, with: {prompt: "ok?"}, writes: {ok: output.approved}}
  long: {uses: work, background: true, with: {n: "${{ state.n }}"}, writes: {got: "[output]"}}
  keep: {uses: work, cache: {key: "1"}, writes: {got: "[output]"}}
edges: [{to: [ask, long], when: cycle.number == 1}, {to: keep, when: state.n < 100}]
pause: 1s
limits: {cycles: 99}
`

// A changed graph takes over what runs outside: a node that is no more what
// it was is cancelled, the others settle by the new definition. The whole
// history, under both graphs, is decided again the same.
func TestAdoptOutside(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change []string // old, new, …
		want   string
	}{
		"the same": {[]string{"cycles: 99", "cycles: 98"}, `{"got":["kept","done","kept"],"n":0,"ok":true}`},
		"moved": {[]string{"  ask: {", "  first: {uses: work}\n  ask: {", "{to: keep,", "{to: first, when: cycle.number == 1}, {to: keep,"},
			`{"got":["kept","done","kept"],"n":0,"ok":true}`},
		"new writes": {[]string{`"[output]"}}` + "\n  keep", `"[output, 2]"}}` + "\n  keep"}, `{"got":["kept","done",2,"kept"],"n":0,"ok":true}`},
		"gone":       {[]string{"long", "short"}, `{"got":["kept","kept"],"n":0,"ok":true}`},
		"otherwise":  {[]string{`uses: approval, with: {prompt: "ok?"}`, "uses: work"}, `{"got":["kept","done","kept"],"n":0,"ok":null}`},
		"uncached":   {[]string{`key: "1"`, `key: "2"`}, `{"got":["kept","done"],"n":0,"ok":true}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			old := compile(t, outsideGraph)
			changed := compile(t, strings.NewReplacer(tt.change...).Replace(outsideGraph))
			r := newRig(t, old)
			if err := r.start(nil, nil); err != nil {
				t.Fatal(err)
			}
			do(r, "wake")
			do(r, "running long")
			do(r, `done keep "kept"`)
			err := r.m.Adopt(changed, r.clock)
			if (name == "gone") != errors.Is(err, ErrStillRunning) {
				t.Fatalf("adopted: %v", err)
			}
			if err != nil { // until what is not in the changed graph is gone
				r.lingers = true
				do(r, "wake")
				if again := r.m.Adopt(changed, r.clock); !errors.Is(again, ErrStillRunning) || r.m.Cursor().Open {
					t.Fatalf("adopted while a task runs: %v, in a cycle: %t", again, r.m.Cursor().Open)
				}
				r.leave()
				r.drain()
				if err := r.m.Adopt(changed, r.clock); err != nil {
					t.Fatal(err)
				}
				r.lingers = false
			}
			r.g = changed
			r.drain()
			if r.m.waitingFor("ask", "") != nil {
				do(r, `answer ask {"approved": true}`)
			}
			if r.tasks["long"] != nil {
				do(r, `done long "done"`)
			}
			do(r, "crash")
			do(r, "wake")
			if got := value.String(r.m.State()); got != tt.want {
				t.Errorf("state is %s, want %s", got, tt.want)
			}
			again := r.replayer()
			again.Graphs = func(hash string) (*graph.Graph, error) {
				return map[string]*graph.Graph{old.Hash: old, changed.Hash: changed}[hash], nil
			}
			_, differences, err := again.To(journal.Point{})
			if err != nil || len(differences) > 0 {
				t.Errorf("replay: %v, %v", err, differences)
			}
		})
	}
}

// An id is forgotten when it is old and many came after it; what an earlier version
// wrote is known too.
func TestIDsAreForgotten(t *testing.T) {
	t.Parallel()
	r := newRig(t, compile(t, outsideGraph))
	if err := r.start(nil, nil); err != nil {
		t.Fatal(err)
	}
	r.unchecked = true
	send := func(id string) {
		r.step(Event{At: r.clock, ID: id, Name: "add", Payload: 1})
	}
	expect := func(id string, want bool) {
		t.Helper()
		if got := r.m.Known(id); got != want {
			t.Errorf("%q is known: %t, want %t", id, got, want)
		}
	}
	send("first")
	r.clock = r.clock.Add(KnownFor)
	for i := range KnownLast {
		send(fmt.Sprint(i))
	}
	expect("first", true) // not old enough
	r.clock = r.clock.Add(time.Second)
	send("last")
	expect("first", false)
	expect("0", true)
	expect("", false)
	r.drain()
	r.clock = r.clock.Add(2 * KnownFor)
	send("later")
	expect("1", false) // there is one more than so many
	expect("2", true)
	r.drain()
	r.state["$events"] = []byte(`["old one", [1767323045, "new one"]]`)
	r.given = nil
	m, err := Restore(r.g, r.o, r.snapshot(), r.clock)
	if err != nil {
		t.Fatal(err)
	}
	r.m = m
	expect("old one", true)
	expect("new one", true)
}

// A commit holds of the machine's own lists what changed, whatever is bounded.
func TestOwnLists(t *testing.T) {
	t.Parallel()
	r := newRig(t, compile(t, outsideGraph))
	if err := r.start(nil, nil); err != nil {
		t.Fatal(err)
	}
	r.unchecked = true // it would be a walk over all events for each commit
	for i := range KnownLast + 100 {
		if i == KnownLast {
			r.clock = r.clock.Add(KnownFor + time.Second)
		}
		r.step(Event{At: r.clock, ID: fmt.Sprint(i), Name: "add", Payload: 1})
		switch {
		case i%777 == 0:
			r.m.Ready() // and more is stepped before the commit
		case i%777 == 1, i > KnownLast && i%7 == 0:
			r.drain()
		}
	}
	r.drain()
	list, _ := value.Decode(r.state["$events"])
	if got := len(list.([]any)); got != KnownLast {
		t.Errorf("%d ids are kept, want %d", got, KnownLast)
	}
	before := slices.Collect(maps.Keys(r.m.ids.came))
	r.crash()
	after := slices.Collect(maps.Keys(r.m.ids.came))
	slices.Sort(before)
	slices.Sort(after)
	if d := cmp.Diff(before, after); d != "" {
		t.Errorf("ids over a restart (-before +after)\n%s", d)
	}
	if n := r.m.Cursor().Inbox; n != len(r.m.inbox) || n < KnownLast {
		t.Errorf("%d events wait, %d are known", n, len(r.m.inbox))
	}
	if got := journal.Visible(map[string]any{"n": 1, "$events": nil}); len(got) != 1 {
		t.Errorf("visible: %v", got)
	}
}
