package agent

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes"
)

const (
	idleConnections = 90 * time.Second
	// maxClients bounds the clients of a process: a key that changes at every task must not
	// fill the memory.
	maxClients = 256
)

// clientKey and gateKey tell providers apart without holding their keys.
type (
	clientKey [sha256.Size]byte
	gateKey   [sha256.Size]byte
)

// hub is the providers of the process.
type hub struct {
	mu      sync.Mutex
	clients map[clientKey]*client
	gates   map[gateKey]*gate
}

// client is a provider that can be asked.
type client struct {
	model Model
	gate  *gate
	host  string // for messages
	key   string // to be kept out of messages
}

// choice is a model that a task may ask.
type choice struct {
	provider *graph.Provider
	model    string // as the provider names it
	name     string // PROVIDER/MODEL, as steps and messages have it
	price    graph.Price
	priced   bool
}

// scriptAPI is the api that answers from a file. Its model is called `script`.
const scriptAPI = "script"

func newChoice(p *graph.Provider, model string) choice {
	c := choice{provider: p, model: model, name: p.Name + "/" + model}
	if p.API == scriptAPI {
		c.name = p.Name + "/" + scriptAPI
	}
	if c.price, c.priced = p.Prices[model]; !c.priced && p.API == scriptAPI {
		c.price, c.priced = p.Prices[scriptAPI]
	}
	return c
}

// open gives the client of a provider, which is made at its first use.
func (a *Agents) open(p *graph.Provider, dir string, lookup value.Lookup, questionTimeout time.Duration) (*client, error) {
	conf, err := configure(p, lookup)
	if err != nil {
		return nil, err
	}
	text := func(name string) string { s, _ := conf[name].(string); return s }
	file := text("file")
	if file != "" && !filepath.IsAbs(file) {
		file = filepath.Join(dir, file)
	}
	a.mu.Lock()
	api := a.apis[p.API]
	a.mu.Unlock()
	if api == nil {
		return nil, nodes.Permanent(nodes.Errorf("config", "provider %q: this program has no api %q", p.Name, p.API))
	}
	base := strings.TrimRight(text("base_url"), "/")
	account := strings.Join([]string{p.Name, p.API, base, text("key"), file}, "\x00")
	id := clientKey(sha256.Sum256([]byte(account + "\x00" + questionTimeout.String())))
	a.hub.mu.Lock()
	defer a.hub.mu.Unlock()
	c := a.hub.clients[id]
	if c == nil {
		m, err := api(ProviderConfig{Name: p.Name, BaseURL: base, Key: text("key"), File: file, HTTP: a.http,
			Logger: a.cfg.Logger, QuestionTimeout: questionTimeout})
		if err != nil {
			return nil, configError(p, err, text("key"))
		}
		if len(a.hub.clients) >= maxClients {
			clear(a.hub.clients)
			clear(a.hub.gates)
		}
		gid := gateKey(sha256.Sum256([]byte(account)))
		g := a.hub.gates[gid]
		if g == nil {
			g = (&gate{}).named(p, hostOf(p, base))
			a.hub.gates[gid] = g
		}
		c = &client{model: m, gate: g, host: hostOf(p, base), key: text("key")}
		a.hub.clients[id] = c
	}
	c.gate.limit(p)
	return c, nil
}

// configure evaluates what the graph says of a provider.
func configure(p *graph.Provider, lookup value.Lookup) (map[string]any, error) {
	if p.Config == nil {
		return nil, nil
	}
	v, err := p.Config.Defer(&cond.Env{Slots: make([]any, graph.NumSlots)})
	if err == nil {
		if lookup == nil {
			lookup = func(string) (string, bool) { return "", false }
		}
		v, err = value.Fill(v, lookup)
	}
	if err != nil {
		return nil, nodes.Permanent(nodes.Errorf("config", "provider %q: %v", p.Name, err))
	}
	conf, _ := v.(map[string]any)
	return conf, nil
}

// configError is why a provider has no client. A failure that has a kind keeps it.
func configError(p *graph.Provider, err error, key string) error {
	var known *nodes.Error
	if errors.As(err, &known) {
		return err
	}
	e := nodes.Errorf("config", "provider %q: %s", p.Name, without(err.Error(), key))
	e.Permanent = true
	return e
}

// hostOf is where a provider is, for messages: without user, path and query, which may
// hold a key.
func hostOf(p *graph.Provider, base string) string {
	if u, err := url.Parse(base); err == nil && u.Host != "" {
		return u.Host
	}
	return cmp.Or(map[string]string{"openai": "api.openai.com", "anthropic": "api.anthropic.com"}[p.API], "")
}

// without takes a key out of a text.
func without(text, key string) string {
	if len(key) < 4 { // it would be found by chance
		return text
	}
	return strings.ReplaceAll(text, key, "***")
}
