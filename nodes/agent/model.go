package agent

import (
	"context"
	"log/slog"
	"net/http"
	"time"
)

// Model puts questions to the models of one provider. It is safe for concurrent use.
type Model interface {
	// Ask puts one question and returns the whole answer. delta gets the text of the
	// answer as it comes; it is nil if nobody watches. Errors are *Error for what the
	// provider said or did, *nodes.Error for a mistake that no provider is asked about, and
	// the cause of ctx when ctx ends. Ask tries once: it never retries.
	Ask(ctx context.Context, q *Request, delta func(text string)) (*Response, error)
}

// Embedder is a Model that makes vectors.
type Embedder interface {
	Embed(ctx context.Context, model string, texts []string) (vectors [][]float32, used Usage, err error)
}

// Lister is a Model that knows which models its provider has.
type Lister interface {
	Models(ctx context.Context) ([]string, error)
}

// ProviderConfig is what a provider is made of.
type ProviderConfig struct {
	Name    string // in the graph
	BaseURL string // "" means the API's own; without a trailing slash
	Key     string // "" sends none
	File    string // of api script: an absolute path
	// HTTP sends the requests. It has no timeout of its own.
	HTTP   *http.Client
	Logger *slog.Logger
	// QuestionTimeout is how long a question may go without a byte of the answer.
	QuestionTimeout time.Duration
}

// Request is one question.
type Request struct {
	Model        string // as the provider names it
	Instructions string
	Messages     []Message
	Tools        []ToolSpec
	Schema       map[string]any // JSON Schema of the answer; nil means text
	SchemaName   string
	Structured   string // auto, schema, json or prompt: how the schema is asked for
	MaxTokens    int    // 0 means the provider's own
	Temperature  *float64
	Seed         *int64
	Reasoning    string         // low, medium, high or ""
	Extra        map[string]any // goes into the request as it is
	Stream       bool
	MaxAnswer    int64 // bytes of the whole answer; more is an *Error of Kind "limit"

	// What a script looks at: which task asks, how often it has asked, and how often each
	// entry of the script has answered it (Response.Entry, Error.Entry).
	Node    string
	Turn    int // from 1
	Entries map[int]int
}

// Message is one message of a conversation: the type AgentMessage of graphs, and its JSON.
type Message struct {
	Role    string `json:"role"` // system, user, assistant, tool
	Content string `json:"content"`
	Calls   []Call `json:"calls"`
	Call    string `json:"call,omitzero"` // of a result: the id of its call
	Name    string `json:"name,omitzero"` // of a result: the tool
	// Raw holds blocks of the provider that have to go back as they came.
	Raw any `json:"raw,omitzero"`
}

// Call is a call of a tool that a model asks for.
type Call struct {
	ID   string `json:"id"`
	Name string `json:"name"` // as in Request.Tools
	Args any    `json:"args"` // canonical; nil if the text is no JSON: see Text
	// Text is what the model wrote if it is no JSON object.
	Text string `json:"text,omitzero"`
}

// ToolSpec is a tool as a model sees it. The client writes Name so that its API takes it
// (`__` for `/`), and gives it back in Call.Name as it is here.
type ToolSpec struct {
	Name        string
	Description string
	Args        map[string]any // JSON Schema
}

// Stop says why an answer ended.
type Stop string

const (
	StopEnd     Stop = "end"     // the model has said what it wanted, or wants its calls done
	StopLength  Stop = "length"  // it was cut at a limit of tokens
	StopRefusal Stop = "refusal" // the model or a filter refused
	StopPause   Stop = "pause"   // the provider wants to be asked again with the answer so far
)

// Response is one answer.
type Response struct {
	Message Message
	Stop    Stop
	Refusal string // what it said, of StopRefusal
	Model   string // that answered, as the provider says
	Usage   Usage
	Entry   int // of a script: the entry that answered, from 1; 0 for other models
}

// Usage is what an answer used.
type Usage struct {
	Input      int64 // all input tokens, cached ones too
	Cached     int64 // of Input: read from the provider's cache
	CacheWrite int64 // of Input: written to it
	Output     int64
	Reported   bool // false if the provider did not say
}

// Error is what a provider said or did in place of an answer.
type Error struct {
	Status  int // of the response; 0 without one (refused connection, cut stream, timeout)
	Message string
	// Type is the provider's own word for it, "" if it has none.
	Type string
	// RetryAfter is what the provider asks to wait; HasRetryAfter says that it did.
	RetryAfter    time.Duration
	HasRetryAfter bool
	Cut           bool // the answer, or its stream, ended before its end
	Limit         bool // the answer is longer than Request.MaxAnswer
	// Said is how many bytes of an answer came before it failed: they have to be paid. Used
	// is what the provider has said of that until then.
	Said  int64
	Used  Usage
	Entry int // as Response.Entry
}

func (e *Error) Error() string { return e.Message }
