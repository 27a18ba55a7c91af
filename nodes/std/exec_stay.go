package std

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/internal/program"
	"github.com/graphrun/graphrun/nodes/internal/stay"
)

// Bounds of what a node may say of a program that stays, and how long it stays by default.
const (
	maxStayParallel  = 1000
	maxStayProcesses = 100
	defaultIdle      = time.Minute
)

var (
	_ nodes.Opener = execNode{}
	_ nodes.Reaper = execNode{}
)

// Open counts a user of the programs that stay.
func (n execNode) Open(context.Context) error {
	n.stays.Open()
	return nil
}

// Close ends the programs that stay.
func (n execNode) Close() error {
	n.stays.Close()
	return nil
}

// Reap ends the programs that stay of an engine that was killed.
func (n execNode) Reap(ctx context.Context, kept func(context.Context, string) (string, error)) error {
	return n.stays.Reap(ctx, kept)
}

// runStaying has a program that stays do the task.
func (n execNode) runStaying(ctx context.Context, t nodes.Task) (nodes.Result, error) {
	c := settings(t)
	p := &stay.Program{
		Parallel:  c.count("parallel", maxStayParallel),
		Processes: c.count("processes", maxStayProcesses),
		Idle:      c.duration("idle", defaultIdle),
		MaxOutput: c.size("max_output", maxStdout),
		Command:   program.Command{Args: c.argv(), Dir: program.Resolve(t.Dir, c.text("dir", ""))},
	}
	env := map[string]any{}
	for _, v := range c.environment() {
		name, text, _ := strings.Cut(v, "=")
		env[name] = text
	}
	input := c.with["stdin"]
	for name, v := range map[string]any{"stdin": input, "env": env} {
		if _, err := value.Of(v); err != nil {
			c.failf("%q: %v", name, err)
		}
	}
	if c.err != nil {
		return nodes.Result{}, c.err
	}
	path, err := program.Find(t.Dir, p.Args[0])
	if err != nil {
		return nodes.Result{}, badConfig(err.Error())
	}
	p.Path, p.Env = path, program.Inherited()
	p.Text = stayText(t, c.with, p)
	out, err := n.stays.Do(ctx, t, p, input, env)
	if err == nil {
		out, err = Fitted(t, t.Output, out)
	}
	return nodes.Result{Output: out}, err
}

// stayText is what the graph says of a program: another text is another program. What
// each task is given is no part of it.
func stayText(t nodes.Task, with map[string]any, p *stay.Program) string {
	fields := make(map[string]any, len(with))
	if t.Written != nil && t.Written.Kind == tree.Map {
		for _, f := range t.Written.Fields {
			fields[f.Key.Value] = f.Value.Value()
		}
	} else { // the values of variables may be those of one task
		maps.Copy(fields, with)
		delete(fields, "env")
	}
	delete(fields, "stdin")
	b := make([]byte, 0, 512)
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		b = append(value.Append(append(b, name...), fields[name]), 0)
	}
	return string(append(append(append(b, t.Dir...), 0), p.Path...))
}

// count is a number of at least 1, which it is by default, and at most most.
func (c *config) count(name string, most int64) int {
	switch v := c.with[name].(type) {
	case nil:
	case int64:
		if v >= 1 && v <= most {
			return int(v)
		}
		c.failf("%q is %d, want 1 to %d", name, v, most)
	default:
		c.failf("%q is %s, want a number", name, describe(v))
	}
	return 1
}

// duration is a text such as 90s.
func (c *config) duration(name string, otherwise time.Duration) time.Duration {
	text := c.text(name, "")
	if text == "" {
		return otherwise
	}
	d, err := graph.ParseDuration(text)
	if err != nil {
		c.failf("%q: %v", name, err)
	}
	return d
}

// stays reports whether the program of a `with` is one that stays.
func (c *config) stays() bool {
	switch v := c.with["stay"].(type) {
	case nil:
	case bool:
		return v
	default:
		c.failf(`"stay" is %s, want true or false`, describe(v))
	}
	return false
}

// isStaying reports whether a `with` says that its program stays.
func isStaying(with *tree.Node) bool {
	stay := with.Get("stay")
	return stay != nil && stay.Kind == tree.Bool && stay.Bool
}

// checkStay checks what belongs to programs that stay, and what does not.
func checkStay(c graph.Config, report reporter) {
	if !isStaying(c.Tree) {
		for _, name := range []string{"parallel", "processes", "idle"} {
			if f := fieldOf(c.Tree, name); f != nil {
				report(diag.BadConfig, f.Key.Span, "stay: true", "%q is for a program that stays", name)
			}
		}
		return
	}
	if f := fieldOf(c.Tree, "parse"); f != nil && !isToolDefault(f) {
		report(diag.BadConfig, f.Key.Span, "leave it out: each answer is a JSON value already", `"parse" is not for a program that stays`)
	}
	if f := fieldOf(c.Tree, "expect"); f != nil {
		report(diag.BadConfig, f.Key.Span, "leave it out: each answer says whether its task failed", `"expect" is not for a program that stays`)
	}
	for _, name := range []string{"command", "dir"} {
		if n := c.Tree.Get(name); n != nil {
			if at := templateIn(n); at != nil {
				report(diag.BadConfig, at.Span, "pass the value through `stdin` or `env`", "%q takes no ${{ }} with `stay`: the program is started once, for all tasks", name)
			}
		}
	}
	checkCount(c, "parallel", maxStayParallel, report)
	checkCount(c, "processes", maxStayProcesses, report)
}

func checkCount(c graph.Config, name string, most int64, report reporter) {
	if n := c.Tree.Get(name); n != nil && n.Kind == tree.Int && (n.Int < 1 || n.Int > most) {
		report(diag.BadConfig, n.Span, "", "%q is %d, want 1 to %d", name, n.Int, most)
	}
}

// isToolDefault reports whether nobody wrote the field: tools read text by default.
func isToolDefault(f *tree.Field) bool {
	return f.Key.Span == (diag.Span{}) && f.Value.Kind == tree.String && f.Value.Text.Value == "text"
}

// fieldOf finds a field with its key; nil if there is none.
func fieldOf(n *tree.Node, name string) *tree.Field {
	if n == nil {
		return nil
	}
	for i := range n.Fields {
		if n.Fields[i].Key.Value == name {
			return &n.Fields[i]
		}
	}
	return nil
}

// templateIn is the first text with ${{ }} in a text or a list of texts, or nil.
func templateIn(n *tree.Node) *tree.Node {
	if n.Kind == tree.String && templateAt(n.Text.Value) >= 0 {
		return n
	}
	for _, item := range n.Items {
		if at := templateIn(item); at != nil {
			return at
		}
	}
	return nil
}
