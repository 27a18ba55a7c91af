package cli

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/agent"
	"github.com/graphrun/graphrun/nodes/agent/anthropic"
	"github.com/graphrun/graphrun/nodes/agent/openai"
	"github.com/graphrun/graphrun/nodes/agent/script"
	"github.com/graphrun/graphrun/nodes/charset"
	"github.com/graphrun/graphrun/nodes/mcp"
	"github.com/graphrun/graphrun/nodes/memory"
	"github.com/graphrun/graphrun/nodes/std"
)

// kinds are the node kinds that this program knows.
func (a *app) kinds() *nodes.Registry {
	if a.known == nil {
		a.known = newWork(a, nil).kinds
	}
	return a.known
}

// work is what does the work of nodes: the kinds, and what those share that talk to
// models and MCP servers.
type work struct {
	kinds   *nodes.Registry
	agents  *agent.Agents
	servers agent.Servers
}

// open keeps the servers that start until close.
func (w *work) open(ctx context.Context) {
	if s, ok := w.servers.(interface{ Open(context.Context) error }); ok {
		_ = s.Open(ctx) // it only counts
	}
}

// close ends the servers, after open.
func (w *work) close() {
	if s, ok := w.servers.(io.Closer); ok {
		_ = s.Close() // they end with this process anyway
	}
}

// tap is what the exchanges with models and MCP servers go through.
type tap interface {
	Transport(next http.RoundTripper) http.RoundTripper
	Servers(next agent.Servers) agent.Servers
}

// newWork makes the kinds. t is nil where exchanges go straight.
func newWork(a *app, t tap) *work {
	var (
		out     http.RoundTripper = directly()
		servers agent.Servers     = mcp.New(mcp.Config{Logger: a.logger()})
	)
	if t != nil {
		out, servers = t.Transport(out), t.Servers(servers)
	}
	w := &work{kinds: std.Registry(std.WithCharsets(charset.Find), std.WithLogger(a.logger())), servers: servers}
	memories := &memory.Memories{}
	w.agents = agent.New(agent.Config{HTTP: out, Servers: servers, Memory: memories, Logger: a.logger()})
	memories.Embed = w.agents.Embed
	for api, open := range map[string]func(agent.ProviderConfig) (agent.Model, error){
		"openai": openai.New, "anthropic": anthropic.New, "script": script.Open,
	} {
		if err := w.agents.Register(api, open); err != nil {
			panic(err) // the list above is wrong, not its user
		}
	}
	for _, s := range []nodes.Spec{w.agents.Spec(), memories.Spec(), mcp.Spec(servers)} {
		if err := w.kinds.Register(s); err != nil {
			panic(err) // as above
		}
	}
	return w
}

// directly sends requests past any proxy that the environment names.
func directly() *http.Transport {
	return &http.Transport{Proxy: nil, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 64, IdleConnTimeout: 90 * time.Second}
}
