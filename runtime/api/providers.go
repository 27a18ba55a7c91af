package api

import (
	"context"
	"net/http"
	"time"
)

// Provider is how a provider of language models stands, and what it was asked since this
// process began. Graphs that name the same address with the same key have it together.
type Provider struct {
	Provider string `json:"provider"` // as graphs name it
	API      string `json:"api"`
	Host     string `json:"host,omitzero"`
	Parallel int    `json:"parallel"` // questions at once; 0 means no limit
	Running  int    `json:"running"`
	Waiting  int    `json:"waiting"` // questions that wait until fewer run
	Requests Rate   `json:"requests"`
	Tokens   Rate   `json:"tokens"`
	// Held are questions that wait for a time.
	Held       []Held    `json:"held"`
	RetryAfter time.Time `json:"retry_after,omitzero"` // the provider asked not to be asked before
	Models     []Model   `json:"models"`
}

// Rate is a limit, and what was used within the last minute.
type Rate struct {
	Limit      int   `json:"limit"` // units per per_ms; 0 means no limit
	PerMS      int64 `json:"per_ms"`
	LastMinute int64 `json:"last_minute"`
}

// Held is questions that are held back until a time.
type Held struct {
	Why       HeldWhy   `json:"why"`
	Questions int       `json:"questions"`
	Until     time.Time `json:"until"` // of the last of them
}

// HeldWhy says what a question waits for.
type HeldWhy string

const (
	HeldByRate     HeldWhy = "rate"        // the limits of the graph
	HeldByProvider HeldWhy = "retry-after" // the provider asked for it
	HeldByBackoff  HeldWhy = "backoff"     // a try has failed
)

// Model is what a model was asked. Tokens and cost are estimated where the provider did not
// say them.
type Model struct {
	Model    string    `json:"model"`
	Calls    int64     `json:"calls"`
	Failures int64     `json:"failures"`
	Tokens   int64     `json:"tokens"`
	Cost     float64   `json:"cost"`
	Error    string    `json:"error,omitzero"`     // of the last call that failed
	FailedAt time.Time `json:"failed_at,omitzero"` // of that call
}

type providersBody struct {
	Providers []Provider `json:"providers"`
}

func (c *call) listProviders() (providersBody, error) {
	body := providersBody{[]Provider{}}
	if c.o.Providers != nil {
		body.Providers = append(body.Providers, c.o.Providers()...)
	}
	return body, nil
}

// Providers lists the providers of language models that were asked since the engine began.
func (c *Client) Providers(ctx context.Context) ([]Provider, error) {
	var body providersBody
	err := c.call(ctx, http.MethodGet, "/v1/providers", nil, &body)
	return body.Providers, err
}
