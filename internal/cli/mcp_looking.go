package cli

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/graphrun/graphrun/docs"
)

// addTool adds a tool whose arguments are the fields of In. lineOf makes a command of them.
func addTool[In any](d *desk, s *mcp.Server, t *mcp.Tool, lineOf func(in In, by string) (toolLine, error)) {
	if t.Annotations == nil {
		t.Annotations = &mcp.ToolAnnotations{ReadOnlyHint: true, IdempotentHint: true}
	}
	no := false
	t.Annotations.OpenWorldHint = &no
	mcp.AddTool(s, t, func(ctx context.Context, r *mcp.CallToolRequest, in In) (*mcp.CallToolResult, any, error) {
		l, err := lineOf(in, clientName(r))
		if err != nil {
			return nil, nil, err
		}
		result, err := d.do(ctx, l)
		return result, nil, err
	})
}

// clientName is the name that stands in records of what a client did.
func clientName(r *mcp.CallToolRequest) string {
	if p := r.Session.InitializeParams(); p != nil && p.ClientInfo != nil && p.ClientInfo.Name != "" {
		return p.ClientInfo.Name + " (mcp)"
	}
	return "mcp"
}

// fileArgs name a graph: its file, or its text.
type fileArgs struct {
	File string `json:"file,omitempty" jsonschema:"path of the file, from the folder that the server runs in"`
	Text string `json:"text,omitempty" jsonschema:"the text of the graph, in place of file"`
}

// from gives the argument of a command and its standard input.
func (f fileArgs) from() (file, in string, err error) {
	switch {
	case f.File != "" && f.Text != "", f.File == "" && f.Text == "":
		return "", "", usagef("expected file or text, one of them")
	case f.Text != "":
		return "-", f.Text, nil
	}
	return f.File, "", nil
}

// or is from where a name may stand in place of a file and its text.
func (f fileArgs) or(what, name string) (target, in string, err error) {
	if name != "" && f.File == "" && f.Text == "" {
		return name, "", nil
	}
	if target, in, err = f.from(); err != nil || name != "" {
		return "", "", usagef("expected file, text or %s, one of them", what)
	}
	return target, in, nil
}

// beginning gives the flags for what a stack begins with.
func beginning(params, state map[string]any) ([]string, error) {
	flags, err := pairs("param", params, true)
	if err != nil {
		return nil, err
	}
	values, err := pairs("set", state, false)
	return append(flags, values...), err
}

type validateArgs struct {
	fileArgs
	Strict bool `json:"strict,omitempty" jsonschema:"warnings count as errors"`
}

type planArgs struct {
	fileArgs
	Stack   string         `json:"stack,omitempty" jsonschema:"id of a stack, in place of a graph: its next cycle is planned"`
	Params  map[string]any `json:"params,omitempty" jsonschema:"params of the graph"`
	State   map[string]any `json:"state,omitempty" jsonschema:"values of state keys"`
	Explain bool           `json:"explain,omitempty" jsonschema:"take the conditions of all edges apart, with their values"`
}

type explainArgs struct {
	Stack string   `json:"stack" jsonschema:"id of the stack"`
	Nodes []string `json:"nodes,omitempty" jsonschema:"only these nodes: NODE, NODE[KEY] of an element, or NODE/INNER; without it all in short"`
	Cycle uint64   `json:"cycle,omitempty" jsonschema:"an earlier cycle (default: the open one, or the last)"`
}

type historyArgs struct {
	Stack string `json:"stack" jsonschema:"id of the stack"`
	Last  int    `json:"last,omitempty" jsonschema:"only so many of the last cycles (default 10)"`
}

type exploreArgs struct {
	fileArgs
	Stacks  int    `json:"stacks,omitempty" jsonschema:"how many stacks (default 1000)"`
	Cycles  int    `json:"cycles,omitempty" jsonschema:"cycles of each stack at most (default 200)"`
	Seed    uint64 `json:"seed,omitempty" jsonschema:"the same seed explores the same (default 1)"`
	Seconds int    `json:"seconds,omitempty" jsonschema:"stop after so many seconds (default 20)"`
}

// addLooking adds the tools that change nothing.
func (d *desk) addLooking(s *mcp.Server) {
	addTool(d, s, &mcp.Tool{Name: "validate", Description: "Check a graph, or a test file (*.test.yaml): every problem with its place, code and help. Nothing is executed."},
		func(in validateArgs, _ string) (toolLine, error) {
			file, text, err := in.from()
			l := command("validate", isSet("strict", in.Strict), file)
			l.in, l.narrow = text, "Mend what is reported, and validate again."
			return l, err
		})
	addTool(d, s, &mcp.Tool{Name: "plan", Description: "Show which nodes would run in which wave of the next cycle of a graph or a stack, and why the others would not. Nothing is executed."},
		planLine)
	addTool(d, s, &mcp.Tool{Name: "explain", Description: "Say why nodes of a stack ran or did not run: each edge with its condition taken apart, the values it looked at and who wrote them, and what is waited for."},
		func(in explainArgs, _ string) (toolLine, error) {
			cycle := ""
			if in.Cycle > 0 {
				cycle = strconv.FormatUint(in.Cycle, 10)
			}
			l := command("explain", option("cycle", cycle), append([]string{in.Stack}, in.Nodes...)...)
			l.locks, l.narrow = true, "Give nodes."
			return l, nil
		})
	addTool(d, s, &mcp.Tool{Name: "history", Description: "Show what a stack did, cycle by cycle: waves, how each node ended, who wrote which key, events, tokens and cost."},
		func(in historyArgs, _ string) (toolLine, error) {
			if in.Last == 0 {
				in.Last = 10
			}
			l := command("history", option("last", strconv.Itoa(in.Last)), in.Stack)
			l.locks, l.narrow = true, "Give a smaller last."
			return l, nil
		})
	addTool(d, s, &mcp.Tool{Name: "explore", Description: "Find out what could ever happen to the stacks of a graph: many run in virtual time with drawn outputs, failures, events and crashes, and no work is done. Reports what gets stuck, fails by legal outputs, never runs or grows, each with a test that shows it."},
		exploreLine)
	d.addGet(s)
}

func isSet(name string, on bool) []string {
	if on {
		return []string{"--" + name}
	}
	return nil
}

func planLine(in planArgs, _ string) (toolLine, error) {
	target, text, err := in.or("stack", in.Stack)
	if err != nil {
		return toolLine{}, err
	}
	values, err := beginning(in.Params, in.State)
	if err != nil {
		return toolLine{}, err
	}
	l := command("plan", append(values, isSet("explain", in.Explain)...), target)
	l.in, l.locks, l.narrow = text, in.Stack != "", "Leave explain out."
	return l, nil
}

func exploreLine(in exploreArgs, _ string) (toolLine, error) {
	file, text, err := in.from()
	if err != nil {
		return toolLine{}, err
	}
	number := func(name string, n int) []string {
		if n == 0 {
			return nil
		}
		return option(name, strconv.Itoa(n))
	}
	if in.Stacks == 0 {
		in.Stacks = 1000
	}
	if in.Seconds == 0 {
		in.Seconds = 20
	}
	flags := slices.Concat(number("stacks", in.Stacks), number("cycles", in.Cycles), option("for", strconv.Itoa(in.Seconds)+"s"))
	if in.Seed > 0 {
		flags = append(flags, option("seed", strconv.FormatUint(in.Seed, 10))...)
	}
	l := command("explore", flags, file)
	l.in, l.narrow = text, "Mend what is reported, and explore again."
	return l, nil
}

// getArgs are those of `get`. Which of them count depends on what is asked for.
type getArgs struct {
	What       string `json:"what,omitempty"`
	Stack      string `json:"stack,omitempty" jsonschema:"id of a stack"`
	At         string `json:"at,omitempty" jsonschema:"state, eval: the end of this CYCLE or CYCLE.WAVE; 0 is the beginning (default: now)"`
	Expression string `json:"expression,omitempty" jsonschema:"eval: an expression over state, params and nodes"`
	A          string `json:"a,omitempty" jsonschema:"diff: from this CYCLE or CYCLE.WAVE"`
	B          string `json:"b,omitempty" jsonschema:"diff: to this CYCLE or CYCLE.WAVE"`
	Node       string `json:"node,omitempty" jsonschema:"logs: only this node; of an agent its conversation"`
	From       uint64 `json:"from,omitempty" jsonschema:"records: begin with this seq"`
	Graph      string `json:"graph,omitempty" jsonschema:"stacks: only those of this graph"`
	Status     string `json:"status,omitempty" jsonschema:"stacks: only those with this status"`
	File       string `json:"file,omitempty" jsonschema:"graph: path of the file"`
	Kind       string `json:"kind,omitempty" jsonschema:"kinds: only this kind"`
}

// getting is one thing that `get` gives.
type getting struct {
	what, about string
	needs       []string // arguments
	line        func(getArgs) toolLine
}

// gettings are all of them. The first is the default.
var gettings = []getting{
	{"status", "position, tasks, what is waited for, last error", []string{"stack"}, func(in getArgs) toolLine {
		return stackLine("status", nil, "Use explain with nodes.", in.Stack)
	}},
	{"stacks", "all stacks, by graph and status", nil, func(in getArgs) toolLine {
		return stackLine("ps", slices.Concat(option("graph", in.Graph), option("status", in.Status)), "Give graph or status.")
	}},
	{"pools", "the pools that tasks run in", nil, func(getArgs) toolLine { return stackLine("ps", []string{"--pools"}, "") }},
	{"state", "the state, now or at a point of the history", []string{"stack"}, func(in getArgs) toolLine {
		return stackLine("state", option("at", in.At), "Use eval with an expression, as state.KEY.", in.Stack)
	}},
	{"eval", "the value of an expression over a stack", []string{"stack", "expression"}, func(in getArgs) toolLine {
		return stackLine("eval", option("at", in.At), "Give an expression for a part of it.", in.Stack, in.Expression)
	}},
	{"diff", "what changed in the state between two points", []string{"stack", "a", "b"}, func(in getArgs) toolLine {
		return stackLine("diff", nil, "Give points that are nearer to each other.", in.Stack, in.A, in.B)
	}},
	{"logs", "the tasks as they began and ended, or the conversation of an agent", []string{"stack"}, func(in getArgs) toolLine {
		args := []string{in.Stack}
		if in.Node != "" {
			args = append(args, in.Node)
		}
		l := stackLine("logs", nil, "Give node, or use records with from.", args...)
		l.text = true
		return l
	}},
	{"records", "every record, as lines of JSON", []string{"stack"}, func(in getArgs) toolLine {
		var from []string
		if in.From > 0 {
			from = option("from", strconv.FormatUint(in.From, 10))
		}
		return stackLine("trace", from, "Continue with from, one above the last seq.", in.Stack)
	}},
	{"graph", "a drawing of a graph file as text", []string{"file"}, func(in getArgs) toolLine {
		l := command("graph", []string{"--format=text"}, in.File)
		l.text = true
		return l
	}},
	{"language", "how a graph is written, in 150 lines", nil, func(getArgs) toolLine { return toolLine{says: docs.Language} }},
	{"kinds", "the kinds of nodes with the fields of their `with`", nil, func(in getArgs) toolLine {
		if in.Kind == "" {
			return command("kinds", nil)
		}
		return command("kinds", nil, in.Kind)
	}},
}

// stackLine is a command that looks into the store.
func stackLine(name string, flags []string, narrow string, args ...string) toolLine {
	l := command(name, flags, args...)
	l.locks, l.narrow = true, narrow
	return l
}

func (d *desk) addGet(s *mcp.Server) {
	schema, err := jsonschema.For[getArgs](nil)
	if err != nil {
		panic(err) // the type is part of the program
	}
	var about []string
	what := schema.Properties["what"]
	for _, g := range gettings {
		what.Enum = append(what.Enum, g.what)
		s := g.what + ": " + g.about
		if len(g.needs) > 0 {
			s += " (needs " + strings.Join(g.needs, ", ") + ")"
		}
		about = append(about, s)
	}
	what.Description = strings.Join(about, "; ") + ". Default: status with a stack, else stacks."
	addTool(d, s, &mcp.Tool{Name: "get", InputSchema: schema, Description: "Look at stacks, their state and records, at the kinds of nodes, or at the language of graphs."},
		func(in getArgs, _ string) (toolLine, error) {
			if in.What == "" && in.Stack == "" {
				in.What = "stacks"
			}
			for _, g := range gettings {
				if in.What == g.what || in.What == "" {
					return g.line(in), in.lacks(g)
				}
			}
			return toolLine{}, usagef("unknown what %q", in.What)
		})
}

// lacks is an error for an argument that is needed and not there.
func (in getArgs) lacks(g getting) error {
	given := map[string]string{"stack": in.Stack, "expression": in.Expression, "a": in.A, "b": in.B, "file": in.File}
	for _, name := range g.needs {
		if given[name] == "" {
			return usagef("get %s needs %s", g.what, name)
		}
	}
	return nil
}
