package agent

import (
	"slices"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes"
)

// Defaults and bounds of an agent.
const (
	defaultTurns     = 20
	defaultCalls     = 50
	defaultBudget    = 200_000 // tokens of one task
	defaultToolBytes = 16 << 10
	defaultAnswer    = 4 << 20
	defaultTimeout   = 2 * time.Minute
)

// options is the `with` of an agent, with its defaults.
type options struct {
	models       []string
	instructions string
	input        any
	hasInput     bool
	talk         []any // what was said before
	talkTokens   int64 // 0 sends all of it
	output       any   // a type, as the author wrote it; nil means text
	tools        []string

	maxTurns, maxCalls    int
	maxTokens             int
	budgetTokens          int64
	budgetCost            float64 // 0 means no limit
	maxOutput             int
	maxAnswer             int64
	questionTimeout       time.Duration
	temperature           *float64
	seed                  *int64
	reasoning, structured string
	extra                 map[string]any
	stream                bool
}

// bad is a mistake in the configuration that shows only once it is filled in.
func bad(format string, args ...any) *nodes.Error {
	return nodes.Permanent(nodes.Errorf("config", format, args...))
}

// readOptions reads the evaluated `with`, whose types the compiler has checked as far as
// templates let it.
func readOptions(with any) (options, error) {
	m, ok := with.(map[string]any)
	if !ok {
		return options{}, bad("`with` must be an object, not %s", kindOf(with))
	}
	r := reader{m: m}
	o := options{
		models:       r.texts("model"),
		instructions: r.text("instructions", ""),
		output:       m["output"],
		tools:        r.texts("tools"),
		maxTurns:     int(r.whole("max_turns", defaultTurns, 1)),
		maxCalls:     int(r.whole("max_calls", defaultCalls, 0)),
		maxTokens:    int(r.whole("max_tokens", 0, 1)),
		maxOutput:    int(r.whole("max_tool_output", defaultToolBytes, 1)),
		maxAnswer:    r.whole("max_answer", defaultAnswer, 1),
		reasoning:    r.word("reasoning", "", "low", "medium", "high"),
		structured:   r.word("structured", "auto", "auto", "schema", "json", "prompt"),
		stream:       true,
	}
	if v, there := m["stream"]; there && v != nil {
		if o.stream, ok = v.(bool); !ok {
			r.wrong("stream", "true or false", v)
		}
	}
	o.input, o.hasInput = m["input"]
	r.talk(&o)
	r.budget(&o)
	o.questionTimeout = r.duration("question_timeout", defaultTimeout)
	if v, there := m["temperature"]; there && v != nil {
		t := numberOf(v)
		o.temperature = &t
	}
	if v, there := m["seed"]; there && v != nil {
		n := intOf(v)
		o.seed = &n
	}
	if v, there := m["extra"]; there && v != nil {
		if o.extra, ok = v.(map[string]any); !ok {
			r.wrong("extra", "an object", v)
		}
		for _, name := range []string{"model", "messages", "tools", "stream"} {
			if _, there := o.extra[name]; there && r.err == nil {
				r.err = bad("`extra` must not name %q", name)
			}
		}
	}
	if len(o.models) == 0 && r.err == nil {
		r.err = bad("`model` names no model")
	}
	if r.err != nil {
		return options{}, r.err
	}
	return o, nil
}

// reader reads entries and keeps the first mistake.
type reader struct {
	m   map[string]any
	err *nodes.Error
}

func (r *reader) wrong(name, want string, v any) {
	if r.err == nil {
		r.err = bad("`%s` must be %s, not %.100s", name, want, value.String(v))
	}
}

func (r *reader) text(name, other string) string {
	switch v := r.m[name].(type) {
	case nil:
		return other
	case string:
		return v
	default:
		return value.Text(v)
	}
}

func (r *reader) word(name, other string, words ...string) string {
	w := r.text(name, other)
	if w != other && !slices.Contains(words, w) {
		r.wrong(name, "one of "+joined(words), w)
	}
	return w
}

// texts is one text, or a list of them.
func (r *reader) texts(name string) (out []string) {
	switch v := r.m[name].(type) {
	case nil:
	case string:
		return []string{v}
	case []any:
		for _, e := range v {
			s, ok := e.(string)
			if !ok {
				r.wrong(name, "a text or a list of texts", v)
				return nil
			}
			out = append(out, s)
		}
	default:
		r.wrong(name, "a text or a list of texts", v)
	}
	return out
}

func (r *reader) whole(name string, other, least int64) int64 {
	v, there := r.m[name]
	if !there || v == nil {
		return other
	}
	n, ok := v.(int64)
	if f, isFloat := v.(float64); isFloat && f == float64(int64(f)) {
		n, ok = int64(f), true
	}
	if !ok || n < least {
		r.wrong(name, "an integer of at least "+value.String(least), v)
	}
	return n
}

func (r *reader) duration(name string, other time.Duration) time.Duration {
	v, there := r.m[name]
	if !there || v == nil {
		return other
	}
	d, err := graph.ParseDuration(textOf(v))
	if err != nil || d <= 0 {
		r.wrong(name, "a duration", v)
	}
	return d
}

// talk reads `messages`: a list, or {from, tokens}.
func (r *reader) talk(o *options) {
	switch v := r.m["messages"].(type) {
	case nil:
	case []any:
		o.talk = v
	case map[string]any:
		var ok bool
		if o.talk, ok = v["from"].([]any); !ok && v["from"] != nil {
			r.wrong("messages.from", "a list of messages", v["from"])
		}
		inner := reader{m: v}
		if o.talkTokens = inner.whole("tokens", 0, 1); inner.err != nil && r.err == nil {
			r.err = inner.err
		}
	default:
		r.wrong("messages", "a list of messages or {from, tokens}", v)
	}
}

func (r *reader) budget(o *options) {
	o.budgetTokens = defaultBudget
	v, there := r.m["budget"]
	if !there || v == nil {
		return
	}
	m, ok := v.(map[string]any)
	if !ok {
		r.wrong("budget", "{tokens, cost}", v)
		return
	}
	inner := reader{m: m}
	o.budgetTokens = inner.whole("tokens", defaultBudget, 1)
	if c, there := m["cost"]; there && c != nil {
		if o.budgetCost = numberOf(c); o.budgetCost <= 0 {
			inner.wrong("budget.cost", "a number above 0", c)
		}
	}
	if inner.err != nil && r.err == nil {
		r.err = inner.err
	}
}
