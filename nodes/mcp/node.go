package mcp

import (
	"context"

	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/agent"
	"github.com/graphrun/graphrun/nodes/std"
)

// Spec is the kind `mcp`: one call of a tool, without a model. Its Node opens and closes
// the servers with the driver.
func (s *Servers) Spec() nodes.Spec { return Spec(s) }

// Spec is the kind `mcp` on other servers, such as recorded ones. Its Node opens and
// closes them if they can be.
func Spec(servers agent.Servers) nodes.Spec {
	k := std.MCP()
	k.Secrets = true // those that the server's entry names
	return nodes.Spec{Kind: k, Node: node{servers}}
}

type node struct{ servers agent.Servers }

var _ nodes.Opener = node{}

func (n node) Run(ctx context.Context, t nodes.Task) (nodes.Result, error) {
	with, _ := t.With.(map[string]any)
	server, _ := with["server"].(string)
	tool, _ := with["tool"].(string)
	if server == "" || tool == "" {
		return nodes.Result{}, badConfig(`mcp needs "server" and "tool", both text`)
	}
	out, err := n.servers.Call(ctx, t, server, tool, with["arguments"])
	if err == nil {
		out, err = std.Fitted(t, t.Output, out)
	}
	return nodes.Result{Output: out}, err
}

func (n node) Open(ctx context.Context) error {
	if s, ok := n.servers.(interface{ Open(context.Context) error }); ok {
		return s.Open(ctx)
	}
	return nil
}

func (n node) Close() error {
	if s, ok := n.servers.(interface{ Close() error }); ok {
		return s.Close()
	}
	return nil
}
