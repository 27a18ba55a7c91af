package openai

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes/agent"
	"github.com/graphrun/graphrun/nodes/agent/internal/wire"
)

// base is the address of the API's own provider.
const base = "https://api.openai.com/v1"

// model is an agent.Model, agent.Embedder and agent.Lister.
type model struct {
	wire *wire.Client
	name string // of the provider in the graph
	// own says that the provider is OpenAI or Azure, whose newer models refuse max_tokens.
	own bool
	// noOptions says that the server refused stream_options once.
	noOptions atomic.Bool
}

// New makes the client of a provider. The base URL ends where `/chat/completions` begins,
// as in https://api.openai.com/v1. It reads no environment variables, and uses no proxy
// unless cfg.HTTP does. The model is an agent.Embedder and an agent.Lister as well.
func New(cfg agent.ProviderConfig) (agent.Model, error) {
	header := http.Header{}
	c, err := wire.New(cfg, base, header)
	if err != nil {
		return nil, err
	}
	azure := strings.HasSuffix(c.Host(), ".azure.com")
	switch {
	case cfg.Key == "":
	case azure:
		header.Set("Api-Key", cfg.Key)
	default:
		header.Set("Authorization", "Bearer "+cfg.Key)
	}
	return &model{wire: c, name: cfg.Name, own: azure || strings.HasSuffix(c.Host(), ".openai.com")}, nil
}

// Ask puts one question, see agent.Model. A server that refuses the option that asks for
// the usage of a stream is asked without it, now and from then on: it has answered
// nothing yet.
func (m *model) Ask(ctx context.Context, q *agent.Request, delta func(text string)) (*agent.Response, error) {
	names := wire.NamesOf(q.Tools)
	options := q.Stream && !m.noOptions.Load()
	a, err := m.post(ctx, q, names, options)
	if refused(err) && options {
		m.noOptions.Store(true)
		a, err = m.post(ctx, q, names, false)
	}
	if err != nil {
		return nil, err
	}
	defer a.Close()
	r := &reader{answer: a, names: names, from: m.name, delta: delta}
	if r.delta == nil {
		r.delta = func(string) {}
	}
	read := r.body
	if a.Stream() {
		read = r.stream
	}
	res, err := read()
	if err != nil {
		return nil, a.Spent(err, r.usage)
	}
	return res, nil
}

func (m *model) post(ctx context.Context, q *agent.Request, names wire.Names, options bool) (*wire.Answer, error) {
	body := m.request(q, names)
	if options {
		wire.Merge(body, map[string]any{"stream_options": map[string]any{"include_usage": true}})
	}
	wire.Merge(body, q.Extra)
	v, err := value.Of(body)
	if err != nil {
		return nil, &agent.Error{Message: "the question cannot be written as JSON: " + err.Error()}
	}
	return m.wire.Post(ctx, q.MaxAnswer, value.Append(nil, v.Any()), "chat", "completions")
}

func refused(err error) bool {
	var e *agent.Error
	return errors.As(err, &e) && (e.Status == http.StatusBadRequest || e.Status == http.StatusUnprocessableEntity) &&
		(strings.Contains(e.Message, "stream_options") || strings.Contains(e.Message, "include_usage"))
}

// Models lists the models of the provider.
func (m *model) Models(ctx context.Context) ([]string, error) {
	a, err := m.wire.Get(ctx, 0, "models")
	if err != nil {
		return nil, err
	}
	defer a.Close()
	return a.Models()
}
