package mcp_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/nodes/mcp"
	"github.com/graphrun/graphrun/nodes/std"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/memstore"
)

// weather is an MCP server with one tool.
func weather() http.Handler {
	type place struct {
		City string `json:"city"`
	}
	type report struct {
		Degrees int `json:"degrees"`
	}
	s := sdk.NewServer(&sdk.Implementation{Name: "weather", Version: "1"}, nil)
	sdk.AddTool(s, &sdk.Tool{Name: "now", Description: "The weather in a city."},
		func(_ context.Context, _ *sdk.CallToolRequest, in place) (*sdk.CallToolResult, report, error) {
			return nil, report{len(in.City)}, nil
		})
	return sdk.NewStreamableHTTPHandler(func(*http.Request) *sdk.Server { return s }, nil)
}

// A program whose graphs name MCP servers registers the kind `mcp`. Agents call the same
// servers when agent.Config.Servers is the value.
func ExampleServers() {
	server := httptest.NewServer(weather())
	defer server.Close()
	kinds, servers := std.Registry(), mcp.New(mcp.Config{})
	if err := kinds.Register(servers.Spec()); err != nil {
		fmt.Println(err)
		return
	}
	source, problems := dsl.Compile("trip.graphrun.yaml", []byte(`
graphrun: 1
name: trip
servers: {weather: {url: "`+server.URL+`", tools: [now]}}
state: {degrees: integer?}
nodes:
  ask:
    uses: mcp
    with: {server: weather, tool: now, arguments: {city: Lisbon}}
    writes: {degrees: output.degrees}
edges: [{to: ask}]
stop: state.degrees != nil
`), kinds)
	if problems.HasErrors() {
		fmt.Println(problems)
		return
	}
	ctx := context.Background()
	rt, err := runtime.Open(ctx, runtime.Config{Store: memstore.New(), Kinds: kinds})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer rt.Close(ctx) // ends the servers, too
	stack, err := rt.Start(ctx, source.Graph, runtime.StartOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	result, err := stack.Wait(ctx)
	fmt.Println(result.State["degrees"], err)
	// Output: 6 <nil>
}
