package runtime_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

// placesIn are the places of the live stacks within one.
func placesIn(k *runtimetest.Kit, stack string) (places []string) {
	k.T.Helper()
	list, err := inspect.Children(k.T.Context(), k.Store, stack, false)
	if err != nil {
		k.T.Fatal(err)
	}
	for _, c := range list {
		if !c.Live || c.Summary.Cursor.Status.Ended() {
			k.T.Errorf("%s is listed as %+v", c.Place, c)
		}
		places = append(places, c.Place.String())
	}
	return places
}

// TestPlacesOfChildren: live children are found at every depth, under for_each, and in
// the background since an earlier cycle.
func TestPlacesOfChildren(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		hour := runtimetest.Takes(time.Hour, func(context.Context, nodes.Task) (any, error) { return 1, nil })
		k.Node("slow", hour)
		start(k, def(t, `{"graphrun": 1, "name": "top", "pause": {"set": true, "active": 1000000000}, "nodes": [
			{"id": "each", "uses": "graph", "background": true, "with": {"file": "mid.yaml"},
				"for_each": {"in": "[\"b\", \"a/b\", \"c\"]", "as": "it", "key": "it"},
				"graph": {"graphrun": 1, "name": "mid", "nodes": [{"id": "low", "uses": "graph", "with": {"file": "low.yaml"},
					"graph": {"graphrun": 1, "name": "low", "nodes": [{"id": "slow", "uses": "work"}]}}]}},
			{"id": "one", "uses": "graph", "background": true, "with": {"file": "low.yaml"},
				"graph": {"graphrun": 1, "name": "low", "nodes": [{"id": "slow", "uses": "work"}]}}]}`))
		k.Forward(10 * time.Second)
		want := []string{"each[b]", "each[b]/low", `each["a/b"]`, `each["a/b"]/low`, "each[c]", "each[c]/low", "one"}
		if diff := cmp.Diff(want, placesIn(k, "top")); diff != "" {
			t.Errorf("places (-want +got):\n%s", diff)
		}
		p, _ := journal.ParsePlace(`each["a/b"]/low/slow`)
		in, spot, err := inspect.Locate(k.T.Context(), k.Store, "top", p, false)
		if sum, _ := k.Store.Stack(k.T.Context(), in); err != nil || sum.Identity.Graph != "low" || spot.Node != "slow" {
			t.Errorf("%s is in %q, %v (%v)", p, in, spot, err)
		}
		p, _ = journal.ParsePlace("each[x]/low/slow")
		var unknown *inspect.ChildError
		if _, _, err := inspect.Locate(k.T.Context(), k.Store, "top", p, false); !errors.As(err, &unknown) || len(unknown.Known) != 4 {
			t.Errorf("an unknown element: %v", err)
		}
	})
}
