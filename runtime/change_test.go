package runtime_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

func TestAChangedGraphIsTakenUpAfterTheOpenCycle(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Node("a", runtimetest.Takes(time.Minute, runtimetest.Returns(1)))
		k.Node("b", runtimetest.Returns("x"))
		start(k, one(k.T, 10, "", ""))
		k.Forward(time.Second)
		k.Crash()
		changed := k.Compile(def(k.T, `{"graphrun": 1, "name": "one",
			"state": [{"name": "n", "type": "number"}, {"name": "s", "type": "string"}],
			"nodes": [{"id": "b", "uses": "work", "writes": [{"key": "s", "expr": "output"}]}],
			"stop": [{"when": "state.s == \"x\""}]}`))
		r := k.Wait(k.Resume("one", runtime.ResumeOptions{Graph: changed}))
		if diff := cmp.Diff([]string{"1.1 a", "2.1 b"}, k.Waves("one")); diff != "" {
			t.Errorf("waves (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(map[string]any{"n": 1.0, "s": "x"}, r.State); diff != "" {
			t.Errorf("state (-want +got):\n%s", diff)
		}
		if r.Cursor.Hash != changed.Hash {
			t.Error("the stack still stands under the old definition")
		}
	})
}

func TestAChangedGraphThatDoesNotFitIsRefused(t *testing.T) {
	t.Parallel()
	changed := `{"graphrun": 1, "name": "one",
		"state": [{"name": "n", "type": "string"}],
		"nodes": [{"id": "a", "uses": "work", "writes": [{"key": "n", "expr": "output"}]}]}`
	for name, open := range map[string]bool{"between cycles": false, "in a cycle": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
				k.Node("a", runtimetest.Returns(1), runtimetest.Takes(time.Minute, runtimetest.Returns(1)))
				s := start(k, one(k.T, 5, "", ""))
				k.Cycles(s, 1)
				if open {
					k.Forward(10 * time.Second)
				}
				k.Crash()
				g := k.Compile(def(k.T, changed))
				s, err := k.Runtime.Resume(k.T.Context(), "one", runtime.ResumeOptions{Graph: g})
				if open && err == nil {
					_, err = s.Wait(k.T.Context())
				}
				var refused *runtime.AdoptError
				if !errors.As(err, &refused) {
					t.Fatalf("error %v, want an AdoptError", err)
				}
				for _, word := range []string{`"n"`, "integer", "string"} {
					if !strings.Contains(err.Error(), word) {
						t.Errorf("%q does not say %s", err, word)
					}
				}
				k.Wait(k.Resume("one", runtime.ResumeOptions{}))
			})
		})
	}
}

func TestAStackOfAnotherGraph(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Node("a", runtimetest.Returns(1))
		k.Wait(start(k, one(k.T, 1, "", "")))
		other := k.Compile(def(k.T, `{"graphrun": 1, "name": "two", "nodes": [{"id": "a", "uses": "work"}]}`))
		_, err := k.Runtime.Resume(k.T.Context(), "one", runtime.ResumeOptions{Graph: other})
		var ge *runtime.GraphError
		if !errors.As(err, &ge) || ge.Graph != "one" {
			t.Errorf("resume: %v, want a GraphError", err)
		}
		if _, err := k.Runtime.Resume(k.T.Context(), "none", runtime.ResumeOptions{}); !errors.Is(err, runtime.ErrNotFound) {
			t.Errorf("resume: %v, want ErrNotFound", err)
		}
	})
}

func TestAStackThatCannotStart(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Node("a", runtimetest.Takes(time.Hour, runtimetest.Returns(1)))
		g := k.Compile(one(k.T, 1, "", ""))
		for name, o := range map[string]runtime.StartOptions{
			"id":    {ID: "a/b"},
			"param": {Params: map[string]any{"goal": "x"}},
			"state": {State: map[string]any{"n": "x"}},
		} {
			var ie *runtime.InitError
			if _, err := k.Runtime.Start(k.T.Context(), g, o); !errors.As(err, &ie) {
				t.Errorf("%s: %v, want an InitError", name, err)
			}
		}
		k.Start(g, runtime.StartOptions{})
		if _, err := k.Runtime.Start(k.T.Context(), g, runtime.StartOptions{}); !errors.Is(err, runtime.ErrExists) {
			t.Errorf("second start: %v, want ErrExists", err)
		}
		if _, err := k.Runtime.Resume(k.T.Context(), "one", runtime.ResumeOptions{}); !errors.Is(err, runtime.ErrActive) {
			t.Errorf("resume of a running stack: %v, want ErrActive", err)
		}
		k.Crash()
		if _, err := k.Runtime.Start(k.T.Context(), g, runtime.StartOptions{}); !errors.Is(err, runtime.ErrExists) {
			t.Errorf("start after a crash: %v, want ErrExists", err)
		}
	})
}

// A file that is changed and changed back has not changed, whatever happens to
// the stack meanwhile.
func TestAGraphThatIsChangedBack(t *testing.T) {
	t.Parallel()
	for name, other := range map[string]string{
		"one that fits":         `"integer", "reduce": {"name": "sum"}`,
		"one that does not fit": `"string"`,
	} {
		for _, loaded := range []int{0, -1} {
			t.Run(fmt.Sprint(name, ", loaded ", loaded), func(t *testing.T) {
				t.Parallel()
				runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
					k.Config.Loaded = loaded
					k.Reopen()
					k.Node("a", runtimetest.Takes(time.Minute, runtimetest.Returns(1)))
					start(k, one(k.T, 5, "", `, "pause": {"set": true, "active": `+minute+`}`))
					add := func(d graph.Def) *graph.Graph {
						g := k.Compile(d)
						if err := k.Runtime.AddGraph(g, nil); err != nil {
							t.Fatal(err)
						}
						return g
					}
					for _, wait := range []time.Duration{time.Second, time.Minute} { // in a cycle, between two
						k.Forward(wait)
						add(def(k.T, `{"graphrun": 1, "name": "one", "state": [{"name": "n", "type": `+other+`}], "nodes": [{"id": "b", "uses": "work"}]}`))
						k.Forward(time.Second)
						same := add(one(k.T, 5, "", `, "pause": {"set": true, "active": `+minute+`}`))
						k.Forward(2 * time.Minute)
						st, err := k.Runtime.Status(k.T.Context(), "one")
						if err != nil || st.Refused != nil || st.Cursor.Hash != same.Hash {
							t.Errorf("status %+v (%v), want the definition that it began with", st, err)
						}
					}
				})
			})
		}
	}
}
