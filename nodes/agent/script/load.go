package script

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/agent"
)

// maxFile bounds a file of replies, in bytes.
const maxFile = 16 << 20

// entry is one reply.
type entry struct {
	when    *cond.Program // nil always holds
	text    string
	calls   []called
	usage   agent.Usage
	status  int // of an error; 0 means an answer
	message string
	stop    agent.Stop
	delay   time.Duration
	times   int // 0 means without end
	place   string
}

type called struct {
	name string
	args any
}

func (e *entry) failed(err error) error { return bad("%s: `when`: %v", e.place, err) }

// bad is a mistake in the file.
func bad(format string, args ...any) *nodes.Error {
	return nodes.Permanent(nodes.Errorf("config", format, args...))
}

// load reads a file of replies. The error names all mistakes with their places.
func load(file string) ([]entry, error) {
	text, err := os.ReadFile(file)
	switch {
	case err != nil:
		return nil, unreadable(err)
	case len(text) > maxFile:
		return nil, bad("%s: the file has %d bytes, at most %d are allowed", file, len(text), maxFile)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, bad("%s%s", file, place(err))
	}
	l := &loader{file: file}
	entries := []entry{}
	if root := inside(&doc); root.Kind != yaml.SequenceNode {
		l.wrong(root, "a file of replies must be a list, not %s", kindOf(root))
	} else {
		for _, n := range root.Content {
			entries = append(entries, l.entry(n))
		}
	}
	if len(l.mistakes) > 0 {
		return nil, bad("%s", strings.Join(l.mistakes, "\n"))
	}
	return entries, nil
}

// unreadable is a file of replies that cannot be read.
func unreadable(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return bad("the file of replies %s cannot be read: %v", p.Path, p.Err)
	}
	return bad("the file of replies cannot be read: %v", err)
}

// place writes what the parser of YAML says as `:LINE: message`.
func place(err error) string {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if line, rest, ok := strings.Cut(strings.TrimPrefix(text, "line "), ": "); ok && rest != "" {
		if n, err := strconv.Atoi(line); err == nil {
			return ":" + strconv.Itoa(n) + ": " + rest
		}
	}
	return ":1: " + text // it names no line if that is the first
}

// loader reads entries and collects mistakes.
type loader struct {
	file     string
	mistakes []string
	size     int // of the values that were read: aliases may repeat them
}

// inside is the node that a document or an alias stands for.
func inside(n *yaml.Node) *yaml.Node {
	for range 10 {
		switch {
		case n.Kind == yaml.DocumentNode && len(n.Content) > 0:
			n = n.Content[0]
		case n.Kind == yaml.AliasNode && n.Alias != nil:
			n = n.Alias
		}
	}
	return n
}

func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.SequenceNode:
		return "a list"
	case yaml.MappingNode:
		return "a mapping"
	case yaml.ScalarNode:
		return strconv.Quote(n.Value)
	}
	return "nothing"
}

func (l *loader) at(n *yaml.Node) string { return l.file + ":" + strconv.Itoa(max(1, n.Line)) }

func (l *loader) wrong(n *yaml.Node, format string, args ...any) {
	l.mistakes = append(l.mistakes, l.at(n)+": "+fmt.Sprintf(format, args...))
}

var known = []string{"when", "text", "output", "calls", "usage", "error", "stop", "delay", "times"}

func (l *loader) entry(n *yaml.Node) entry {
	n = inside(n)
	e := entry{place: l.at(n)}
	if n.Kind != yaml.MappingNode {
		l.wrong(n, "a reply must be a mapping, not %s", kindOf(n))
		return e
	}
	said := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, v := n.Content[i], inside(n.Content[i+1])
		if said[key.Value] {
			l.wrong(key, "%q is written twice", key.Value)
		}
		said[key.Value] = true
		l.field(&e, key, v)
	}
	switch {
	case said["text"] && said["output"]:
		l.wrong(n, "a reply has either `text` or `output`")
	case said["error"] && (said["text"] || said["output"] || said["calls"]):
		l.wrong(n, "a reply that is an `error` has no `text`, `output` or `calls`")
	case !said["text"] && !said["output"] && !said["calls"] && !said["error"]:
		l.wrong(n, "a reply needs `text`, `output`, `calls` or `error`")
	}
	return e
}

func (l *loader) field(e *entry, key, v *yaml.Node) {
	switch key.Value {
	case "when":
		e.when = l.condition(v)
	case "text":
		if v.Kind != yaml.ScalarNode {
			l.wrong(v, "`text` must be a text, not %s", kindOf(v))
		}
		e.text = v.Value
	case "output":
		e.text = value.String(l.value(v, 0))
	case "calls":
		e.calls = l.calls(v)
	case "usage":
		e.usage = agent.Usage{Reported: true}
		l.members(v, "usage", map[string]*int64{"input": &e.usage.Input, "output": &e.usage.Output, "cached": &e.usage.Cached,
			"cache_write": &e.usage.CacheWrite, "input_tokens": &e.usage.Input, "output_tokens": &e.usage.Output})
	case "error":
		l.failure(e, v)
	case "stop":
		switch e.stop = agent.Stop(v.Value); e.stop {
		case agent.StopEnd, agent.StopLength, agent.StopRefusal, agent.StopPause:
		default:
			l.wrong(v, "`stop` must be end, length, refusal or pause, not %s", kindOf(v))
		}
	case "delay":
		d, err := time.ParseDuration(v.Value)
		if err != nil || d < 0 {
			l.wrong(v, "`delay` must be a duration such as 200ms, not %s", kindOf(v))
		}
		e.delay = d
	case "times":
		if e.times = int(l.whole(v, "times")); e.times < 1 {
			l.wrong(v, "`times` must be at least 1")
		}
	default:
		help := diag.Suggest(key.Value, known)
		l.wrong(key, "a reply has no field %q%s", key.Value, prefixed(": ", help))
	}
}

func prefixed(by, text string) string {
	if text == "" {
		return ""
	}
	return by + text
}

func (l *loader) condition(v *yaml.Node) *cond.Program {
	if v.Kind != yaml.ScalarNode {
		l.wrong(v, "`when` must be a condition, not %s", kindOf(v))
		return nil
	}
	p, problems := cond.Compile(diag.Plain(v.Value), scope, cond.Want{Condition: true})
	for _, problem := range problems {
		if problem.Severity == diag.Error {
			l.wrong(v, "`when`: %s%s", problem.Message, prefixed(" (", prefixedEnd(problem.Help, ")")))
		}
	}
	return p
}

func prefixedEnd(text, end string) string {
	if text == "" {
		return ""
	}
	return text + end
}

// scope is what conditions see.
var scope = cond.NewScope(
	cond.Name{Name: "model", Type: schema.StringType, Slot: slotModel},
	cond.Name{Name: "node", Type: schema.StringType, Slot: slotNode},
	cond.Name{Name: "turn", Type: schema.IntegerType, Slot: slotTurn},
	cond.Name{Name: "last", Type: schema.StringType, Slot: slotLast},
	cond.Name{Name: "messages", Slot: slotMessages, Type: schema.ListOf(schema.ObjectOf(
		schema.Prop{Name: "role", Type: schema.StringType, Required: true},
		schema.Prop{Name: "content", Type: schema.StringType, Required: true},
		schema.Prop{Name: "calls", Required: true, Type: schema.ListOf(schema.ObjectOf(
			schema.Prop{Name: "id", Type: schema.StringType, Required: true},
			schema.Prop{Name: "name", Type: schema.StringType, Required: true},
			schema.Prop{Name: "args", Type: schema.AnyType, Required: true},
		))},
		schema.Prop{Name: "call", Type: schema.StringType.OrNull()},
		schema.Prop{Name: "name", Type: schema.StringType.OrNull()},
	))},
)

func (l *loader) calls(v *yaml.Node) (out []called) {
	if v.Kind != yaml.SequenceNode {
		l.wrong(v, "`calls` must be a list of {name, args}, not %s", kindOf(v))
		return nil
	}
	for _, n := range v.Content {
		n = inside(n)
		c := called{args: map[string]any{}}
		for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
			switch key, v := n.Content[i], inside(n.Content[i+1]); key.Value {
			case "name":
				c.name = v.Value
			case "args":
				c.args = l.value(v, 0)
			default:
				l.wrong(key, "a call has no field %q: it has `name` and `args`", key.Value)
			}
		}
		if c.name == "" {
			l.wrong(n, "a call needs a `name`")
		}
		out = append(out, c)
	}
	return out
}

func (l *loader) failure(e *entry, v *yaml.Node) {
	e.status = 500
	for i := 0; v.Kind == yaml.MappingNode && i+1 < len(v.Content); i += 2 {
		switch key, v := v.Content[i], inside(v.Content[i+1]); key.Value {
		case "status":
			if e.status = int(l.whole(v, "status")); e.status < 100 || e.status > 599 {
				l.wrong(v, "`status` must be a status of HTTP, not %s", kindOf(v))
			}
		case "message":
			e.message = v.Value
		default:
			l.wrong(key, "an error has no field %q: it has `status` and `message`", key.Value)
		}
	}
	if v.Kind != yaml.MappingNode {
		l.wrong(v, "`error` must be {status, message}, not %s", kindOf(v))
	}
	if e.message == "" {
		e.message = "status " + strconv.Itoa(e.status)
	}
}

func (l *loader) members(v *yaml.Node, of string, into map[string]*int64) {
	if v.Kind != yaml.MappingNode {
		l.wrong(v, "`%s` must be a mapping, not %s", of, kindOf(v))
		return
	}
	for i := 0; i+1 < len(v.Content); i += 2 {
		if to := into[v.Content[i].Value]; to != nil {
			*to = l.whole(inside(v.Content[i+1]), v.Content[i].Value)
		} else {
			l.wrong(v.Content[i], "`%s` has no field %q", of, v.Content[i].Value)
		}
	}
}

func (l *loader) whole(v *yaml.Node, name string) int64 {
	n, err := strconv.ParseInt(v.Value, 10, 64)
	if v.Kind != yaml.ScalarNode || err != nil || n < 0 {
		l.wrong(v, "`%s` must be a positive integer, not %s", name, kindOf(v))
	}
	return n
}

// value is a JSON value.
func (l *loader) value(n *yaml.Node, depth int) any {
	n = inside(n)
	if l.size++; l.size > maxValues || depth > value.MaxDepth {
		if len(l.mistakes) == 0 {
			l.wrong(n, "the values of this file are too large")
		}
		return nil
	}
	switch n.Kind {
	case yaml.SequenceNode:
		out := make([]any, len(n.Content))
		for i, e := range n.Content {
			out[i] = l.value(e, depth+1)
		}
		return out
	case yaml.MappingNode:
		out := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			out[n.Content[i].Value] = l.value(n.Content[i+1], depth+1)
		}
		return out
	}
	if n.Tag == "!!timestamp" { // a date is its text
		return n.Value
	}
	var v any
	if err := n.Decode(&v); err != nil {
		l.wrong(n, "%v", err)
		return nil
	}
	own, err := value.Of(v)
	if err != nil {
		l.wrong(n, "%v", err)
	}
	return own.Any()
}

// maxValues bounds the values of a file.
const maxValues = 1_000_000
