package cli

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/graphrun/graphrun/nodes/agent/agenttest"
)

// sumsServer is an MCP server with a tool that adds two numbers. It leaves the file
// `started` in its folder.
func sumsServer() {
	if err := os.WriteFile("started", []byte(fmt.Sprintln(os.Getenv("SUMS_TOKEN"))), 0o600); err != nil {
		os.Exit(1)
	}
	type numbers struct {
		A int `json:"a"`
		B int `json:"b"`
	}
	s := mcp.NewServer(&mcp.Implementation{Name: "sums", Version: "1"}, nil)
	mcp.AddTool(s, &mcp.Tool{Name: "add", Description: "Adds."}, func(_ context.Context, _ *mcp.CallToolRequest, n numbers) (*mcp.CallToolResult, any, error) {
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: fmt.Sprint(n.A + n.B)}}}, nil, nil
	})
	_ = s.Run(context.Background(), &mcp.StdioTransport{})
}

// scriptProvider starts a provider of models for a script. It knows the models chat and
// embed, embeds any text, and answers any question with `It is done.`
func scriptProvider(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: provider FILE…")
	}
	s := agenttest.Start(
		agenttest.Reply{}.For(agenttest.Question.Embeds).Always(),
		agenttest.Reply{Text: "It is done.", Usage: &agenttest.Usage{Input: 1000, Output: 100}}.Always(),
	)
	s.SetModels("chat", "embed")
	ts.Defer(s.Close)
	for _, file := range args {
		text := strings.ReplaceAll(ts.ReadFile(file), "PROVIDER", s.OpenAI())
		ts.Check(os.WriteFile(ts.MkAbs(file), []byte(text), 0o600))
	}
}
