package agent

import (
	"cmp"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/std"
)

// Config is what agents work with.
type Config struct {
	// HTTP sends the requests to providers. Defaults to a transport of its own, which reads
	// no proxy from the environment.
	HTTP http.RoundTripper
	// Servers calls the tools of MCP servers. Without it a graph that names them fails with
	// kind "config".
	Servers Servers
	// Memory searches and writes memories. Without it a graph that names them fails with
	// kind "config".
	Memory Memory
	// Logger defaults to slog.Default.
	Logger *slog.Logger
}

// Agents is the kind `agent` of one process: the APIs that it knows, the clients of the
// providers, and what these let through at once. It is safe for concurrent use.
type Agents struct {
	cfg  Config
	http *http.Client

	mu    sync.Mutex
	apis  map[string]func(ProviderConfig) (Model, error)
	hub   hub
	types typeCache
}

// New makes agents without any API: Register adds them.
func New(c Config) *Agents {
	if c.HTTP == nil {
		transport := &http.Transport{Proxy: nil, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 64, IdleConnTimeout: idleConnections}
		c.HTTP = transport
	}
	c.Logger = cmp.Or(c.Logger, slog.Default())
	return &Agents{
		cfg:  c,
		http: &http.Client{Transport: c.HTTP},
		apis: map[string]func(ProviderConfig) (Model, error){},
		hub:  hub{clients: map[clientKey]*client{}, gates: map[gateKey]*gate{}},
	}
}

// Register makes an API known: what a provider's `api` may say. open is called once for
// each configuration of a provider; the Model that it gives is kept for the whole
// process. It refuses a name that is taken.
func (a *Agents) Register(api string, open func(ProviderConfig) (Model, error)) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.apis[api] != nil {
		return fmt.Errorf("agent: api %q is registered already", api)
	}
	if api == "" || open == nil {
		return fmt.Errorf("agent: api %q: a name and a function are needed", api)
	}
	a.apis[api] = open
	return nil
}

// Spec is the kind `agent`, for a registry of kinds. Graphs may name the APIs that are
// registered by then.
func (a *Agents) Spec() nodes.Spec {
	k := std.Agent()
	k.Missing, k.Talks = false, true
	a.mu.Lock()
	k.APIs = slices.Sorted(maps.Keys(a.apis))
	a.mu.Unlock()
	k.Secrets = true // for providers, whose keys no node names
	return nodes.Spec{Kind: k, Node: node{a}}
}

// Model is the client of a provider, as agents use it. lookup finds the graph's secrets,
// and dir is the graph file's folder. Errors are *nodes.Error of kind "config".
func (a *Agents) Model(p *graph.Provider, dir string, lookup func(string) (string, bool)) (Model, error) {
	c, err := a.open(p, dir, lookup, 0)
	if err != nil {
		return nil, err
	}
	return c.model, nil
}

// typeCache keeps compiled types of what MCP servers say that their tools take.
type typeCache struct {
	mu    sync.Mutex
	types map[string]*schema.Type
}
