package temporaldriver

import (
	"testing"
	"time"

	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime/temporaldriver/paritytest"
)

func TestParity(t *testing.T) {
	t.Parallel()
	k := testKinds(t)
	c := &paritytest.Case{
		Kinds: k, Secret: func(string) (string, bool) { return secretValue, true },
		Stacks: []paritytest.Start{{ID: "items", Graph: compileText(t, itemsGraph, k)}},
		Until:  time.Hour + 1,
		Work: func(a paritytest.Attempt) (paritytest.Reply, bool) {
			if a.Node == "flaky" && a.Try < 3 {
				return paritytest.Reply{Takes: time.Second, Fails: nodes.Errorf("http", "503")}, true
			}
			if a.Node == "flaky" {
				return paritytest.Reply{Takes: time.Second, Result: nodes.Result{Output: 1}}, true
			}
			return paritytest.Reply{Takes: 2 * time.Second, Result: nodes.Result{Output: map[string]any{"Loud": a.Item}}}, true
		},
	}
	for i, x := range []string{"a", "b", "c", "d", "e"} {
		c.Does = append(c.Does, paritytest.Moment{At: time.Duration(i+1) * 30 * time.Second, Stack: "items", Does: paritytest.Send, ID: x, Event: "item", Payload: []any{x}})
	}
	want := paritytest.Memstore(t, c)
	t.Log(len(want.Lives["items"].Records))
	for name, got := range map[string]*paritytest.Outcome{
		"boltstore": paritytest.Boltstore(t, c), "Temporal": inTestEnvironment(t, c, false), "Temporal, replaying": inTestEnvironment(t, c, true),
	} {
		if d := paritytest.Diff(want, got); d != "" {
			t.Errorf("%s (-memstore +this)\n%s", name, d)
		}
	}
}
