package torture

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/std"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/boltstore"
	"github.com/graphrun/graphrun/runtime/feed"
)

// Three stacks whose times are known beforehand: one that pauses for 5 s, with
// a backoff of 2 s in every fifth cycle and a timeout of 3 s in every seventh; one
// that comes every seven minutes; and one that gives up waiting for an answer
// after ten.
var clocks = map[string]string{
	"pause": `{"graphrun": 1, "name": "pause",
		"nodes": [
			{"id": "flaky", "uses": "flaky", "retry": {"attempts": 2, "backoff": 2000000000, "jitter": false}},
			{"id": "stuck", "uses": "stuck", "timeout": 3000000000},
			{"id": "excuse", "uses": "set"}],
		"edges": [
			{"to": ["flaky"], "when": "cycle.number % 5 == 0"},
			{"to": ["stuck"], "when": "cycle.number % 7 == 0"},
			{"from": ["stuck"], "to": ["excuse"], "outcome": "failure"}],
		"pause": {"set": true, "active": 5000000000}}`,
	"cron": `{"graphrun": 1, "name": "cron", "nodes": [{"id": "a", "uses": "set"}], "schedule": {"cron": "*/7 * * * *"}}`,
	"ask": `{"graphrun": 1, "name": "ask",
		"nodes": [{"id": "ask", "uses": "approval", "with": {"prompt": "?"}, "timeout": 600000000000}, {"id": "excuse", "uses": "set"}],
		"edges": [{"from": ["ask"], "to": ["excuse"], "outcome": "failure"}],
		"pause": {"set": true, "none": true}}`,
}

// outage is a time in which no engine ran.
type outage struct{ from, to time.Duration }

// outages spreads outages over the whole time. None begins or ends at the same
// moment as anything else, and some are longer than a pause.
func outages(rnd *rand.Rand, total time.Duration) (all []outage) {
	for at := time.Duration(0); at < total; {
		at += time.Duration(100+rnd.IntN(700))*time.Second + 37*time.Millisecond
		long := time.Second
		if rnd.IntN(4) == 0 {
			long = time.Duration(1+rnd.IntN(900)) * time.Second
		}
		all = append(all, outage{at, at + long})
		at += long
	}
	return all
}

// timeline computes when things must happen in spite of outages, and counts those
// that an outage interrupted.
type timeline struct {
	outages []outage
	hits    map[string]int
}

// after returns the moment long after t, or the end of the outage it falls into.
func (l *timeline) after(what string, t, long time.Duration) time.Duration {
	due := t + long
	for _, o := range l.outages {
		if o.from > t && o.from < due {
			l.hits[what]++
		}
		if o.from < due && due < o.to {
			return o.to
		}
	}
	return due
}

// work returns the end of work that begins at t and takes that long. Work that is cut
// off starts over.
func (l *timeline) work(what string, t, long time.Duration) time.Duration {
	for _, o := range l.outages {
		if t < o.from && o.from < t+long {
			l.hits[what]++
			t = o.to
		}
	}
	return t + long
}

// begins is when the cycles of a stack begin, up to the end.
func (l *timeline) begins(stack string, end time.Duration) (at []time.Duration) {
	t := time.Duration(0)
	for k := 1; t < end; k++ {
		at = append(at, t)
		switch stack {
		case "pause":
			done := t
			if k%5 == 0 {
				done = max(done, l.after("backoff", t, 2*time.Second))
			}
			if k%7 == 0 {
				done = max(done, l.work("timeout", t, 3*time.Second))
			}
			t = l.after("pause", done, 5*time.Second)
		case "cron": // the minutes 0, 7, … 56 of every hour
			hour := t.Truncate(time.Hour)
			next := min(hour+time.Hour, hour+(t-hour).Truncate(7*time.Minute)+7*time.Minute)
			t = l.after("schedule", t, next-t)
		case "ask":
			t = l.after("wait", t, 10*time.Minute)
		}
	}
	return at
}

// gate is an access to a store that can be shut: an engine behind a shut gate is dead.
type gate struct {
	runtime.Store
	shut atomic.Bool
}

func (g *gate) Commit(ctx context.Context, c runtime.Commit) error {
	if g.shut.Load() {
		return &runtime.StoreError{Err: context.Canceled, Fatal: true}
	}
	return g.Store.Commit(ctx, c)
}

// clockKinds are the kinds of the clocks.
func clockKinds(t *testing.T) *nodes.Registry {
	t.Helper()
	kinds := std.Registry()
	for name, run := range map[string]func(ctx context.Context, t nodes.Task) (nodes.Result, error){
		"flaky": func(_ context.Context, t nodes.Task) (nodes.Result, error) {
			if t.Attempt == 1 {
				return nodes.Result{}, nodes.Errorf("exit", "not yet")
			}
			return nodes.Result{}, nil
		},
		"stuck": func(ctx context.Context, _ nodes.Task) (nodes.Result, error) {
			<-ctx.Done()
			return nodes.Result{}, ctx.Err()
		},
	} {
		if err := kinds.Register(nodes.Spec{Kind: graph.Kind{Name: name, Open: true}, Node: work(run)}); err != nil {
			t.Fatal(err)
		}
	}
	return kinds
}

type work func(ctx context.Context, t nodes.Task) (nodes.Result, error)

func (w work) Run(ctx context.Context, t nodes.Task) (nodes.Result, error) { return w(ctx, t) }

// Time passes over restarts and crashes: no pause, backoff, timeout, wait or
// turn of a schedule is forgotten, comes twice or starts over; with
// TORTURE=long over 10,000 cycles and 19 hours.
func TestTime(t *testing.T) {
	cycles := 2000 // without outages
	if long && !raceDetector {
		cycles = 14_000
	}
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		total := time.Duration(cycles) * 5 * time.Second
		rnd := rand.New(rand.NewPCG(7, 7))
		out := outages(rnd, total)
		begin := time.Now()
		path, kinds := filepath.Join(t.TempDir(), "graphrun.db"), clockKinds(t)

		var mu sync.Mutex
		began := map[string][]time.Duration{}
		listen := func(c feed.Commit) {
			mu.Lock()
			defer mu.Unlock()
			for r := range journal.EachRecord(c.Records) {
				_, isCycle := r.Body.(*journal.CycleStarted)
				d, isDecision := r.Body.(*journal.NodeDecided)
				if isCycle && c.Stack != "ask" || isDecision && d.Node == "ask" && d.Run {
					began[c.Stack] = append(began[c.Stack], r.Time.Sub(begin))
				}
			}
		}
		live := func() (end func(crash bool)) {
			store, err := boltstore.Open(path, boltstore.Options{Durability: runtime.DurabilityNone})
			if err != nil {
				t.Fatal(err)
			}
			g := &gate{Store: store}
			rt, err := runtime.Open(t.Context(), runtime.Config{Store: g, Kinds: kinds, Feed: feed.Of(listen), Grace: -1})
			if err != nil {
				t.Fatal(err)
			}
			if n, err := rt.Recover(t.Context(), runtime.RecoverOptions{}); err != nil || n != len(clocks) {
				t.Fatalf("%d stacks continued, want %d: %v", n, len(clocks), err)
			}
			return func(crash bool) {
				g.shut.Store(crash)
				if err := rt.Close(t.Context()); err != nil && !crash {
					t.Fatal(err)
				}
				if err := store.Close(); err != nil {
					t.Fatal(err)
				}
			}
		}
		startClocks(t, path, kinds)
		end := live()
		for _, o := range out {
			<-time.After(time.Until(begin.Add(o.from)))
			synctest.Wait()
			end(rnd.IntN(2) == 0)
			<-time.After(o.to - o.from)
			end = live()
		}
		synctest.Wait()
		end(false)
		line := timeline{out, map[string]int{}}
		for stack := range clocks {
			got, want := began[stack], line.begins(stack, out[len(out)-1].to+time.Nanosecond)
			at := 0
			for at < min(len(got), len(want)) && got[at] == want[at] {
				at++
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: %d cycles, want %d; they part at cycle %d: %v, want %v", stack, len(got), len(want), at+1, some(got, at), some(want, at))
			}
		}
		for _, what := range []string{"pause", "backoff", "timeout", "schedule", "wait"} {
			if line.hits[what] == 0 {
				t.Errorf("no outage fell into a %s: the test means nothing", what)
			}
		}
		t.Logf("%d cycles, %d restarts, in the middle of %v, over %s", len(began["pause"]), len(out), line.hits, total)
	})
}

func some(at []time.Duration, from int) string {
	return strings.Trim(fmt.Sprint(at[max(0, from-1):min(len(at), from+2)]), "[]")
}

// startClocks puts the stacks into the store, to begin with the first life.
func startClocks(t *testing.T, path string, kinds *nodes.Registry) {
	t.Helper()
	store, err := boltstore.Open(path, boltstore.Options{Durability: runtime.DurabilityNone})
	if err != nil {
		t.Fatal(err)
	}
	rt, err := runtime.Open(t.Context(), runtime.Config{Store: store, Kinds: kinds})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range clocks {
		var def graph.Def
		if err := json.Unmarshal([]byte(text), &def); err != nil {
			t.Fatal(err)
		}
		g, problems := graph.Compile(def, kinds)
		if err := problems.Err(); err != nil {
			t.Fatal(err)
		}
		if _, err := rt.Start(t.Context(), g, runtime.StartOptions{Rest: true}); err != nil {
			t.Fatal(err)
		}
	}
	if err := rt.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
}
