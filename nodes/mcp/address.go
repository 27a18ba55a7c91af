package mcp

import (
	"crypto/sha256"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/internal/program"
)

// address is where a server is: a program to run, or a URL.
type address struct {
	key     string // the same for all entries that share a server
	command *program.Command
	url     *url.URL
	headers map[string]string
}

// addressOf reads the entry of a graph, with its secrets.
func addressOf(t nodes.Task, entry *graph.Server) (*address, error) {
	var config any
	if entry.Config != nil {
		v, err := entry.Config.Defer(&cond.Env{Slots: make([]any, graph.NumSlots)})
		if err == nil {
			config, err = value.Fill(v, t.Secret)
		}
		if err != nil {
			return nil, badConfig("server %q: %v", entry.Name, err)
		}
	}
	r := &reader{server: entry.Name}
	r.fields, _ = config.(map[string]any)
	at := &address{}
	command, isList := r.fields["command"].([]any)
	address, isText := r.fields["url"].(string)
	switch {
	case isList == isText:
		r.fail(`needs one of "command" and "url"`)
	case isText:
		r.web(at, address)
	case len(command) == 0:
		r.fail(`has an empty "command"`)
	default:
		r.program(at, t.Dir, command)
	}
	if r.err != nil {
		return nil, r.err
	}
	return at, nil
}

// reader reads the fields of an entry and keeps the first problem.
type reader struct {
	server string
	fields map[string]any
	err    error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = badConfig("server %q "+format, append([]any{r.server}, args...)...)
	}
}

func (r *reader) program(at *address, dir string, command []any) {
	c := &program.Command{Dir: dir, Env: program.Inherited()}
	for _, v := range command {
		c.Args = append(c.Args, r.text("the command", v))
	}
	env := r.texts("env")
	for _, name := range slices.Sorted(maps.Keys(env)) {
		if name == "" || strings.ContainsAny(name, "=\x00") {
			r.fail("cannot have an environment variable %q", name)
		}
		c.Env = append(c.Env, name+"="+env[name])
	}
	if r.err != nil {
		return
	}
	path, err := program.Find(dir, c.Args[0])
	if err != nil {
		r.err = badConfig("server %q: %v", r.server, err)
		return
	}
	c.Path = path
	at.command = c
	at.key = digest("program", dir, path, strings.Join(c.Args, "\x00"), strings.Join(c.Env, "\x00"))
}

func (r *reader) web(at *address, text string) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		r.fail(`has a "url" that is no http or https address`) // the text may hold a secret
		return
	}
	at.url, at.headers = u, r.texts("headers")
	parts := []string{"web", u.String()}
	for _, name := range slices.Sorted(maps.Keys(at.headers)) {
		if strings.ContainsAny(name+at.headers[name], "\r\n\x00") || name == "" {
			r.fail("cannot have a header %q of that value", name)
		}
		parts = append(parts, name, at.headers[name])
	}
	at.key = digest(parts...)
}

// texts is a mapping of texts, numbers and booleans.
func (r *reader) texts(field string) map[string]string {
	out := map[string]string{}
	switch v := r.fields[field].(type) {
	case nil:
	case map[string]any:
		for name, x := range v {
			out[name] = r.text(field+" "+name, x)
		}
	default:
		r.fail("has an %q that is no mapping", field)
	}
	return out
}

func (r *reader) text(what string, v any) string {
	switch v := v.(type) {
	case string:
		if strings.ContainsRune(v, 0) {
			r.fail("has a zero byte in %s", what)
		}
		return v
	case nil, []any, map[string]any:
		r.fail("has a value in %s that is no text, number or boolean", what)
		return ""
	}
	return value.String(v)
}

// digest is a key that shows none of its parts, and is another one for other parts.
func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		one := sha256.Sum256([]byte(p))
		h.Write(one[:])
	}
	return string(h.Sum(nil))
}
