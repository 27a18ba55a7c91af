package graph

import (
	"time"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/tree"
)

// ProviderDef declares who answers for models.
type ProviderDef struct {
	Name      diag.Text     `json:"name"`
	API       diag.Text     `json:"api"`
	BaseURL   *tree.Node    `json:"base_url,omitzero"`
	Key       *tree.Node    `json:"key,omitzero"`
	File      *tree.Node    `json:"file,omitzero"` // of api script
	Parallel  int           `json:"parallel,omitzero"`
	Rate      int           `json:"rate,omitzero"`
	RatePer   time.Duration `json:"rate_per,omitzero"`
	Tokens    int           `json:"tokens,omitzero"`
	TokensPer time.Duration `json:"tokens_per,omitzero"`
	Prices    []PriceDef    `json:"prices,omitzero"`
	At        diag.Span     `json:"-"`
}

// PriceDef is what a million tokens of a model cost. Cached and CacheWrite are nil where
// they are not written.
type PriceDef struct {
	Model      diag.Text `json:"model"`
	Input      float64   `json:"input"`
	Output     float64   `json:"output"`
	Cached     *float64  `json:"cached,omitzero"`
	CacheWrite *float64  `json:"cache_write,omitzero"`
}

// ServerDef declares an MCP server: a program or an address.
type ServerDef struct {
	Name    diag.Text       `json:"name"`
	Command *tree.Node      `json:"command,omitzero"`
	Env     *tree.Node      `json:"env,omitzero"`
	URL     *tree.Node      `json:"url,omitzero"`
	Headers *tree.Node      `json:"headers,omitzero"`
	Tools   []ServerToolDef `json:"tools,omitzero"`
	Effects diag.Text       `json:"effects,omitzero"`
	Approve diag.Text       `json:"approve,omitzero"`
	At      diag.Span       `json:"-"`
}

// ServerToolDef is a tool of a server that may be named and called.
type ServerToolDef struct {
	Name    diag.Text `json:"name"`
	Effects diag.Text `json:"effects,omitzero"`
	Approve diag.Text `json:"approve,omitzero"` // `always`, or a condition over args and the names of conditions
}

// ToolDef declares a tool of the graph's own.
type ToolDef struct {
	Name        diag.Text     `json:"name"`
	Description string        `json:"description,omitzero"`
	Args        *tree.Node    `json:"args,omitzero"`
	Uses        diag.Text     `json:"uses"`
	With        *tree.Node    `json:"with,omitzero"`
	WithAt      diag.Span     `json:"-"`
	Effects     diag.Text     `json:"effects,omitzero"` // none, once; "" is repeated under the same key
	Approve     diag.Text     `json:"approve,omitzero"` // `always`, or a condition over args and the names of conditions
	Parallel    int           `json:"parallel,omitzero"`
	Timeout     time.Duration `json:"timeout,omitzero"` // 0 means a minute
	Retry       *RetryDef     `json:"retry,omitzero"`
	Output      *tree.Node    `json:"output,omitzero"`
	Graph       *Def          `json:"graph,omitzero"` // of a tool that runs a graph: that graph
	At          diag.Span     `json:"-"`
}

// MemoryDef declares a memory.
type MemoryDef struct {
	Name  diag.Text  `json:"name"`
	Scope diag.Text  `json:"scope,omitzero"` // stack (default) or graph
	Keep  int        `json:"keep,omitzero"`
	Embed diag.Text  `json:"embed,omitzero"` // PROVIDER/MODEL
	Data  *tree.Node `json:"data,omitzero"`
	At    diag.Span  `json:"-"`
	// KeepAt is the place of Keep; zero where the graph is no text.
	KeepAt diag.Span `json:"-"`
}
