package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

// march is a graph of two waves. How many seconds a node takes is up to the stack.
func march(t testing.TB, fleet string) graph.Def {
	t.Helper()
	return def(t, `{"graphrun": 1, "name": "march", "params": [{"name": "a", "type": "integer", "default": 1}, {"name": "b", "type": "integer", "default": 0}],
		"state": [{"name": "n", "type": "integer", "reduce": {"name": "sum"}}], "events": [{"name": "more", "to": "n"}],
		"pools": [{"name": "default", "parallel": 100}],
		"nodes": [
			{"id": "a", "uses": "work", "with": {"s": "${{ params.a }}"}, "writes": [{"key": "n", "expr": "1"}]},
			{"id": "b", "uses": "work", "with": {"s": "${{ params.b }}"}}],
		"edges": [{"to": ["a"], "when": "state.n >= 0"}, {"from": ["a"], "to": ["b"], "when": "params.b > 0"}],
		"pause": {"set": true, "active": 5000000000}, "fleet": "`+fleet+`"}`)
}

// asLong lets the nodes take what the stack says.
func asLong(k *runtimetest.Kit) {
	work := func(ctx context.Context, t nodes.Task) (any, error) {
		s := t.With.(map[string]any)["s"].(int64)
		return runtimetest.Takes(time.Duration(s)*time.Second, runtimetest.Returns(nil))(ctx, t)
	}
	k.Node("a", work)
	k.Node("b", work)
}

func marching(k *runtimetest.Kit, g *graph.Graph, id string, a, b int) *runtime.Stack {
	k.T.Helper()
	return k.Start(g, runtime.StartOptions{ID: id, Params: map[string]any{"a": a, "b": b}})
}

// waves lists when waves began, in seconds since begin, as "SECOND STACK/CYCLE.WAVE …".
func waves(k *runtimetest.Kit, begin time.Time, stacks ...string) (lines []string) {
	k.T.Helper()
	at := map[string][]string{}
	for _, stack := range stacks {
		for _, r := range k.Records(stack) {
			if b, ok := r.Body.(*journal.WaveStarted); ok && !r.Time.Before(begin) {
				second := fmt.Sprintf("%3d", r.Time.Sub(begin)/time.Second)
				at[second] = append(at[second], fmt.Sprintf("%s/%d.%d", stack, r.Cycle, b.Wave))
			}
		}
	}
	for second, who := range at {
		lines = append(lines, second+" "+strings.Join(who, " "))
	}
	slices.Sort(lines)
	return lines
}

// apart fails when a wave began after begin while another stack had one open.
func apart(k *runtimetest.Kit, begin time.Time, stacks ...string) {
	k.T.Helper()
	type wave struct {
		stack    string
		from, to time.Time
	}
	var all []wave
	for _, stack := range stacks {
		open := -1
		for _, r := range k.Records(stack) {
			switch r.Body.(type) {
			case *journal.WaveStarted:
				open = len(all)
				all = append(all, wave{stack, r.Time, r.Time.Add(1000 * time.Hour)})
			case *journal.WaveCommitted, *journal.StackFinished:
				if open >= 0 { // else it is what came in for a cycle
					all[open].to = r.Time
				}
				open = -1
			}
		}
	}
	for _, w := range all {
		for _, v := range all {
			if w.stack != v.stack && !w.from.Before(begin) && w.from.After(v.from) && w.from.Before(v.to) {
				k.T.Errorf("%s began a wave at %s, while one of %s was open from %s to %s",
					w.stack, w.from.Sub(begin), v.stack, v.from.Sub(begin), v.to.Sub(begin))
			}
		}
	}
}

func TestLockstep(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		asLong(k)
		begin := time.Now()
		g := k.Compile(march(k.T, "lockstep"))
		marching(k, g, "x", 1, 1)
		marching(k, g, "y", 3, 4)
		k.Forward(500 * time.Millisecond)
		marching(k, g, "z", 1, 0)
		k.Forward(0)
		if st, err := k.Runtime.Status(k.T.Context(), "z"); err != nil || !slices.Equal(st.WaitsFor, []string{"x"}) {
			t.Errorf("z waits for %v (%v), want x", st.WaitsFor, err)
		}
		k.Forward(21 * time.Second)
		want := []string{
			"  0 x/1.1",
			"  1 x/1.2",
			"  2 x/2.1 y/1.1 z/1.1", // the cycle of the first is over
			"  5 x/2.2 y/1.2",
			" 14 x/3.1 y/2.1 z/2.1", // 5 s after the last of them
			" 17 x/3.2 y/2.2",
		}
		if diff := cmp.Diff(want, waves(k, begin, "x", "y", "z")); diff != "" {
			t.Errorf("waves (-want +got):\n%s", diff)
		}
		apart(k, begin, "x", "y", "z")
	})
}

// Nobody waits for a stack that does not continue by itself; it joins later.
func TestLockstepLeavesBehind(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(d *graph.Def)
		behind func(k *runtimetest.Kit, y *runtime.Stack) // at second 4, in y's first wave, from 2 to 5
		rejoin func(k *runtimetest.Kit)                   // at second 20
		want   []string                                   // until then
	}{
		"paused": {
			behind: func(k *runtimetest.Kit, _ *runtime.Stack) { check(k, k.Runtime.Pause) },
			rejoin: func(k *runtimetest.Kit) { check(k, k.Runtime.Unpause) },
			want:   []string{"  0 x/1.1", "  1 x/1.2", "  2 x/2.1 y/1.1", "  5 x/2.2", " 11 x/3.1", " 12 x/3.2", " 18 x/4.1", " 19 x/4.2", " 20 y/1.2"},
		},
		"cancelled": {
			behind: func(k *runtimetest.Kit, _ *runtime.Stack) {
				check(k, func(ctx context.Context, id string) error { return k.Runtime.Cancel(ctx, id, "enough") })
			},
			want: []string{"  0 x/1.1", "  1 x/1.2", "  2 x/2.1 y/1.1", "  4 x/2.2", " 10 x/3.1", " 11 x/3.2", " 17 x/4.1", " 18 x/4.2"},
		},
		"stopped": {
			behind: func(k *runtimetest.Kit, y *runtime.Stack) { go y.Detach(k.T.Context()) },
			rejoin: func(k *runtimetest.Kit) { k.Resume("y", runtime.ResumeOptions{}) },
			want:   []string{"  0 x/1.1", "  1 x/1.2", "  2 x/2.1 y/1.1", "  4 x/2.2", " 10 x/3.1", " 11 x/3.2", " 17 x/4.1", " 18 x/4.2", " 20 y/1.2"},
		},
		"waits for an event": {
			change: func(d *graph.Def) {
				d.Pause = graph.PauseDef{Set: true, None: true}
				d.Edges[0].When.Value = "state.n in [0, 6]"
			},
			rejoin: func(k *runtimetest.Kit) {
				if _, err := k.Runtime.Send(k.T.Context(), runtime.Send{Stack: "y", Event: "more", Payload: 5}); err != nil {
					k.T.Error(err)
				}
			},
			want: []string{"  0 x/1.1", "  1 x/1.2", "  2 y/1.1", "  5 y/1.2", " 20 y/3.1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
				asLong(k)
				begin := time.Now()
				d := march(k.T, "lockstep")
				if c.change != nil {
					c.change(&d)
				}
				g := k.Compile(d)
				marching(k, g, "x", 1, 1)
				y := marching(k, g, "y", 3, 1)
				k.Forward(4 * time.Second)
				if c.behind != nil {
					c.behind(k, y)
				}
				k.Forward(16 * time.Second)
				if c.rejoin != nil {
					c.rejoin(k)
				}
				k.Forward(0)
				if diff := cmp.Diff(c.want, waves(k, begin, "x", "y")); diff != "" {
					t.Errorf("waves (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func check(k *runtimetest.Kit, command func(context.Context, string) error) {
	k.T.Helper()
	if err := command(k.T.Context(), "y"); err != nil {
		k.T.Error(err)
	}
}

// All of a fleet begin together after a restart, wherever they stood.
func TestLockstepAcrossARestart(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]time.Duration{"in a wave": 500 * time.Millisecond, "in a pause": 9 * time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
				k.Config.Loaded = -1
				k.Reopen()
				asLong(k)
				g := k.Compile(march(k.T, "lockstep"))
				var stacks []string
				for i := range 20 {
					stacks = append(stacks, fmt.Sprintf("s%02d", i))
					marching(k, g, stacks[i], 1+i%3, i%2)
				}
				k.Forward(after)
				k.Crash()
				k.Forward(time.Second)
				begin := time.Now()
				recoverAll(k, len(stacks))
				k.Forward(30 * time.Second)
				apart(k, begin, stacks...)
				all := waves(k, begin, stacks...)
				last := strings.Fields(all[len(all)-2])[1:]
				if len(last) != len(stacks) && len(last) != len(stacks)/2 {
					t.Errorf("the last waves are of %d stacks: %v", len(last), all)
				}
			})
		})
	}
}

// A graph becomes lockstep, and independent again, with its text.
func TestLockstepComesWithAChange(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Config.Loaded = -1
		k.Reopen()
		asLong(k)
		free := k.Compile(march(k.T, "independent"))
		led := k.Compile(march(k.T, "lockstep"))
		marching(k, free, "x", 1, 0)
		marching(k, free, "y", 4, 0)
		k.Forward(5 * time.Second)
		if err := k.Runtime.AddGraph(led, nil); err != nil {
			t.Fatal(err)
		}
		k.Forward(10 * time.Second)
		begin := time.Now()
		k.Forward(30 * time.Second)
		apart(k, begin, "x", "y")
		if all := waves(k, begin, "x", "y"); len(all) < 3 || len(strings.Fields(all[1])) != 3 {
			t.Errorf("waves %v, want those of x and y together", all)
		}
		if err := k.Runtime.AddGraph(free, nil); err != nil {
			t.Fatal(err)
		}
		k.Forward(time.Minute)
		x, y := state(k, "x")["n"].(int64), state(k, "y")["n"].(int64)
		if x <= y {
			t.Errorf("x ran %d times, y %d: they should not wait for each other any more", x, y)
		}
	})
}

// slow is a store whose commits take a while, until its process is killed.
type slow struct {
	runtime.Store
	killed *atomic.Bool
}

func (s slow) Commit(ctx context.Context, c runtime.Commit) error {
	<-time.After(2 * time.Millisecond)
	if s.killed.Load() {
		return &runtime.StoreError{Err: errors.New("killed"), Fatal: true}
	}
	return s.Store.Commit(ctx, c)
}

// TestLockstepHasOneNow: events keep the stacks busy while their fleet decides, and the
// engine is killed now and then. Nevertheless all begin their waves at one instant, and
// none begins a wave beside an open one.
func TestLockstepHasOneNow(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Node("a", runtimetest.Takes(7*time.Millisecond, runtimetest.Returns(nil)))
		k.Node("b", runtimetest.Takes(4*time.Millisecond, runtimetest.Returns(nil)))
		d := march(k.T, "lockstep")
		d.Pause.Active = 50 * time.Millisecond
		g := k.Compile(d)
		stacks := []string{"x", "y", "z"}
		for life := range 4 {
			killed := &atomic.Bool{}
			rt, err := runtime.Open(k.T.Context(), runtime.Config{Store: slow{k.Store, killed}, Kinds: k.Kinds})
			if err != nil {
				t.Fatal(err)
			}
			if life == 0 {
				for _, id := range stacks {
					if _, err := rt.Start(k.T.Context(), g, runtime.StartOptions{ID: id, Params: map[string]any{"b": 1}}); err != nil {
						t.Fatal(err)
					}
				}
			} else if _, err := rt.Recover(k.T.Context(), runtime.RecoverOptions{}); err != nil {
				t.Fatal(err)
			}
			reborn := time.Now()
			<-time.After(200 * time.Millisecond)
			begin := time.Now()
			for i := range 400 {
				for n, id := range stacks {
					go rt.Send(k.T.Context(), runtime.Send{Stack: id, Event: "more", Payload: 1})
					<-time.After(time.Duration(1+(i+n)%3) * time.Millisecond / 2)
				}
			}
			killed.Store(true)
			now, cancel := context.WithCancel(k.T.Context())
			cancel()
			_ = rt.Close(now)
			if life > 0 { // the stacks of the first one were started one after the other
				apart(k, reborn, stacks...)
			}
			togetherFrom(k, life, begin, stacks)
		}
	})
}

// togetherFrom fails when the stacks did not begin their waves at one instant, in the
// second after begin.
func togetherFrom(k *runtimetest.Kit, life int, begin time.Time, stacks []string) {
	k.T.Helper()
	apart(k, begin, stacks...)
	at := map[time.Time]int{}
	for _, id := range stacks {
		for _, r := range k.Records(id) {
			if _, ok := r.Body.(*journal.WaveStarted); ok && r.Time.After(begin) && r.Time.Before(begin.Add(time.Second)) {
				at[r.Time]++
			}
		}
	}
	if len(at) < 10 {
		k.T.Fatalf("life %d: only %d waves began", life, len(at))
	}
	for when, n := range at {
		if n != len(stacks) {
			k.T.Errorf("life %d: %d stacks began a wave at %s, want all", life, n, when.Sub(begin))
		}
	}
}
