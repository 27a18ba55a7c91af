package runtime_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

// toldAtEachDepth is asksWithin with hooks at each of its depths. One address is that of the
// outermost graph and of the innermost.
func toldAtEachDepth(t testing.TB) graph.Def {
	t.Helper()
	d := asksWithin(t, "", `"secrets": ["KEY"],`)
	hook := func(url string, on ...string) graph.Def {
		on = append(on, "node.waiting")
		raw, err := json.Marshal(on)
		if err != nil {
			t.Fatal(err)
		}
		return def(t, `{"hooks": [{"url": "https://`+url+`.example/", "secret": "KEY", "on": `+string(raw)+`}]}`)
	}
	mid := d.Nodes[0].Graph
	low := mid.Nodes[0].Graph
	d.Hooks = slices.Concat(hook("top", "stack.ended").Hooks, hook("same").Hooks)
	mid.Hooks = slices.Concat(hook("mid", "stack.ended").Hooks, def(t, `{"hooks": [{"url": "https://end.example/", "secret": "KEY", "on": ["stack.ended"]}]}`).Hooks)
	low.Hooks = slices.Concat(hook("low").Hooks, hook("same").Hooks)
	mid.Secrets, low.Secrets = d.Secrets, d.Secrets
	return d
}

// asked are the notices of questions that were accepted: whom they were for, and what they
// name.
func (r *receiver) asked(t *testing.T) (list []string) {
	t.Helper()
	ids := map[string]string{}
	for _, p := range r.taken() {
		var b struct{ ID, Stack, Graph, Child, Path, Node, Prompt string }
		if err := json.Unmarshal(p.Body, &b); err != nil {
			t.Fatal(err)
		}
		if was, known := ids[p.ID]; b.ID != p.ID || known && was != string(p.Body) {
			t.Errorf("%s has the body %s, and before %s", p.ID, p.Body, was)
		}
		ids[p.ID] = string(p.Body)
		if p.ok && p.Event == graph.OnNodeWaiting {
			if b.Node != "ask" || b.Prompt != "ok?" {
				t.Errorf("the body is %s", p.Body)
			}
			list = append(list, p.URL[len("https://"):]+" "+b.Stack+" "+b.Graph+" "+b.Child+" "+b.Path)
		}
	}
	slices.Sort(list)
	return list
}

// TestNoticesOfInnerGraphs: the hooks of all graphs around a question hear of it, each with a
// place that answers it, once, also where nobody took it before a crash, and no graph but the
// outermost tells of its end.
func TestNoticesOfInnerGraphs(t *testing.T) {
	t.Parallel()
	for name, between := range map[string]func(*runtimetest.Kit){
		"":        nil,
		"restart": func(k *runtimetest.Kit) { k.Reopen(); takeUp(k) },
		"crash":   func(k *runtimetest.Kit) { k.Crash(); takeUp(k) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
				r := &receiver{down: between != nil}
				k.Config.Secret = func(string) (string, bool) { return "hush", true }
				k.Config.Notices = runtime.Notices{Post: r.post, Hooks: []graph.Hook{{URL: "https://all.example/", Secret: "ALL", On: []string{graph.OnNodeWaiting}}}}
				k.Reopen()
				secondsOfWork(k)
				start(k, toldAtEachDepth(t))
				k.Forward(time.Minute)
				if between != nil {
					if got := r.asked(t); got != nil {
						t.Fatalf("taken: %v", got)
					}
					between(k)
					r.set(false)
					k.Forward(10 * time.Minute)
				}
				want := []string{
					"all.example/ " + lowest + " low  ask",
					"low.example/ " + lowest + " low  ask",
					"mid.example/ top top " + lowest + " mid/low/ask",
					"same.example/ top top " + lowest + " mid/low/ask",
					"top.example/ top top " + lowest + " mid/low/ask",
				}
				if d := cmp.Diff(want, r.asked(t)); d != "" {
					t.Errorf("(-want +got)\n%s", d)
				}
				answerLowest(k)
				k.Forward(time.Minute)
				var ends []string
				for _, p := range r.taken() {
					if p.Event == graph.OnStackEnded {
						ends = append(ends, p.URL)
					}
				}
				if d := cmp.Diff([]string{"https://top.example/"}, ends); d != "" {
					t.Errorf("ends (-want +got)\n%s", d)
				}
				if n := cursorOf(k, "top").Outbox; n != 0 {
					t.Errorf("%d notices are left", n)
				}
			})
		})
	}
}

// TestNoticesAtEveryCrash: whichever commit is the last before a crash, every hook hears of the
// question within.
func TestNoticesAtEveryCrash(t *testing.T) {
	t.Parallel()
	for after := 1; after < 12; after++ {
		runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
			r := &receiver{}
			k.Config.Secret = func(string) (string, bool) { return "hush", true }
			k.Config.Notices = runtime.Notices{Post: r.post}
			k.Reopen()
			secondsOfWork(k)
			start(k, toldAtEachDepth(t))
			k.CrashAfter(after)
			k.Forward(time.Minute)
			k.Crash()
			takeUp(k)
			k.Forward(time.Hour)
			got := slices.Compact(r.asked(t))
			if len(got) != 4 {
				t.Errorf("after %d commits: %v", after, got)
			}
		})
	}
}
