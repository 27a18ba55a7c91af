package api_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/nodes/std"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
	"github.com/graphrun/graphrun/runtime/memstore"
)

// A client starts a stack of a graph that is served, sends it an event, and reads
// its records until the event was applied.
func Example() {
	ctx := context.Background()
	store := memstore.New()
	rt, err := runtime.Open(ctx, runtime.Config{Store: store, Kinds: std.Registry()})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer rt.Close(ctx)
	h := api.New(api.Local(rt), api.Options{
		Door: api.Door{Token: secret}, Store: store, Kinds: std.Registry(), Graphs: served{"greeter": greeter()},
	})
	server := httptest.NewServer(h) // api.Listen and api.Serve do this for a real port
	defer server.Close()

	c := api.NewClient(server.URL, secret)
	defer c.Close()
	if _, err := c.Start(ctx, api.StartRequest{Graph: "greeter", Stack: "tuesday"}); err != nil {
		fmt.Println(err)
		return
	}
	event := api.EventRequest{Event: "guest", Payload: api.Value{V: []any{"Ada"}}, ID: "mail-4711"}
	for range 2 { // repeated under the same id, it is taken once
		reply, err := c.Send(ctx, "tuesday", event)
		fmt.Println("duplicate:", reply.Duplicate, err)
	}
	_ = c.Records(ctx, "tuesday", api.Read{Follow: true, Journal: true}, func(line []byte) error {
		r, err := journal.ParseRecord(line)
		if b, ok := r.Body.(*journal.CycleFinished); ok && b.NodeRuns > 0 {
			return context.Canceled // enough was read
		}
		return err
	})
	state, err := c.State(ctx, "tuesday", "")
	fmt.Println(state.State["greeted"], err)
	// Output:
	// duplicate: false <nil>
	// duplicate: true <nil>
	// [hello Ada] <nil>
}

// greeter greets each guest once.
func greeter() *graph.Graph {
	p := diag.Plain
	g, problems := graph.Compile(graph.Def{
		Version: 1, Name: p("greeter"),
		State: []graph.KeyDef{
			{Name: p("guests"), Type: tree.Of("list(string)"), Reduce: graph.ReduceDef{Name: p("append")}},
			{Name: p("greeted"), Type: tree.Of("list(string)"), Reduce: graph.ReduceDef{Name: p("append")}},
		},
		Events: []graph.EventDef{{Name: p("guest"), To: p("guests")}},
		Nodes: []graph.NodeDef{{
			ID: p("greet"), Uses: p("set"),
			Writes: []graph.WriteDef{{Key: p("greeted"), Expr: p(`["hello " + state.guests[len(state.greeted)]]`)}},
		}},
		Edges: []graph.EdgeDef{{To: []diag.Text{p("greet")}, When: p("len(state.guests) > len(state.greeted)")}},
		Pause: graph.PauseDef{None: true},
	}, std.Registry())
	if err := problems.Err(); err != nil {
		panic(err)
	}
	return g
}
