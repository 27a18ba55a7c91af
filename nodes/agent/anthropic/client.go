package anthropic

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes/agent"
	"github.com/graphrun/graphrun/nodes/agent/internal/wire"
)

const (
	base    = "https://api.anthropic.com"
	version = "2023-06-01" // of the API, which every request has to name
)

// model is an agent.Model and agent.Lister.
type model struct{ wire *wire.Client }

// New makes the client of a provider. The base URL is without `/v1`. It reads no
// environment variables, and uses no proxy unless cfg.HTTP does. The model is an
// agent.Lister as well; the API has no embeddings.
func New(cfg agent.ProviderConfig) (agent.Model, error) {
	cfg.BaseURL = strings.TrimSuffix(strings.TrimRight(cfg.BaseURL, "/"), "/v1")
	header := http.Header{"Anthropic-Version": {version}}
	if cfg.Key != "" {
		header.Set("X-Api-Key", cfg.Key)
	}
	c, err := wire.New(cfg, base, header)
	if err != nil {
		return nil, err
	}
	return &model{wire: c}, nil
}

// Ask puts one question, see agent.Model. Some servers take no conversation with calls in
// it unless the question offers tools. Ask then sends the question again with the tools
// that were called, and forbids the model to call any. The first request cost nothing: it
// had no answer.
func (m *model) Ask(ctx context.Context, q *agent.Request, delta func(text string)) (*agent.Response, error) {
	names := wire.NamesOf(q.Tools)
	body := request(q, names)
	wire.Merge(body, q.Extra)
	a, err := m.post(ctx, q, body)
	if wantsTools(err) && len(q.Tools) == 0 {
		body["tools"], body["tool_choice"] = called(q.Messages, names), object{"type": "none"}
		a, err = m.post(ctx, q, body)
	}
	if err != nil {
		return nil, err
	}
	defer a.Close()
	if delta == nil {
		delta = func(string) {}
	}
	r := &reader{answer: a, names: names, delta: delta}
	read := r.body
	if a.Stream() {
		read = r.stream
	}
	res, err := read()
	if err != nil {
		return nil, a.Spent(err, r.usage.total())
	}
	return res, nil
}

func (m *model) post(ctx context.Context, q *agent.Request, body object) (*wire.Answer, error) {
	v, err := value.Of(body)
	if err != nil {
		return nil, &agent.Error{Message: "the question cannot be written as JSON: " + err.Error()}
	}
	return m.wire.Post(ctx, q.MaxAnswer, value.Append(nil, v.Any()), "v1", "messages")
}

func wantsTools(err error) bool {
	var e *agent.Error
	return errors.As(err, &e) && e.Status == http.StatusBadRequest && strings.Contains(e.Message, "must define tools")
}

// called is the tools that a conversation calls, without what they take.
func called(all []agent.Message, names wire.Names) []any {
	tools, seen := []any{}, map[string]bool{}
	for _, m := range all {
		for _, c := range m.Calls {
			if name := names.Wire(c.Name); !seen[name] {
				seen[name] = true
				tools = append(tools, object{"name": name, "input_schema": object{"type": "object"}})
			}
		}
	}
	return tools
}

// Models lists the models of the provider.
func (m *model) Models(ctx context.Context) ([]string, error) {
	a, err := m.wire.Get(ctx, 0, "v1", "models")
	if err != nil {
		return nil, err
	}
	defer a.Close()
	return a.Models()
}
