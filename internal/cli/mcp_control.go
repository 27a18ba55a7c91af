package cli

import (
	"context"
	"errors"
	"slices"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/graphrun/graphrun/runtime/api"
)

type startArgs struct {
	fileArgs
	Graph  string         `json:"graph,omitempty" jsonschema:"name of a graph that the server of the store has, in place of a file"`
	Stack  string         `json:"stack,omitempty" jsonschema:"id of the new stack (default: the graph's name)"`
	Params map[string]any `json:"params,omitempty" jsonschema:"params of the graph"`
	State  map[string]any `json:"state,omitempty" jsonschema:"initial values of state keys"`
}

type sendArgs struct {
	Stack   string `json:"stack" jsonschema:"id of the stack"`
	Event   string `json:"event" jsonschema:"name of the event"`
	Payload any    `json:"payload,omitempty" jsonschema:"any JSON of the event's type"`
	ID      string `json:"id,omitempty" jsonschema:"the event's own id: the stack takes each id once"`
}

type answerArgs struct {
	Stack    string `json:"stack" jsonschema:"id of the stack"`
	Node     string `json:"node" jsonschema:"what waits: NODE, NODE[KEY] of an element, or NODE/INNER"`
	Approved bool   `json:"approved" jsonschema:"true approves, false rejects"`
	Value    any    `json:"value,omitempty" jsonschema:"any JSON that the graph may read as output.value, or the arguments of a call"`
	Comment  string `json:"comment,omitempty" jsonschema:"text that the graph may read as output.comment"`
	Call     string `json:"call,omitempty" jsonschema:"id of the call of an agent's tool, as status shows it"`
	For      string `json:"for,omitempty" jsonschema:"id of the question, as status shows it"`
}

type stackArgs struct {
	Stack string `json:"stack" jsonschema:"id of the stack"`
}

type cancelArgs struct {
	stackArgs
	Reason string `json:"reason,omitempty" jsonschema:"the reason of the end, for the whole stack"`
	Node   string `json:"node,omitempty" jsonschema:"only the task of this NODE, NODE[KEY] or NODE/INNER"`
}

type retryArgs struct {
	stackArgs
	Limits map[string]any `json:"limits,omitempty" jsonschema:"limits in place of those of the graph, as cycles: 50 or duration: 2h"`
}

type forkArgs struct {
	stackArgs
	At    string         `json:"at" jsonschema:"the end of this CYCLE or CYCLE.WAVE, or the open cycle as it is"`
	As    string         `json:"as" jsonschema:"id of the new stack"`
	State map[string]any `json:"state,omitempty" jsonschema:"other values of state keys"`
}

// addControl adds the tools that change stacks. What is recorded as done by somebody is
// recorded as done by the client.
func (d *desk) addControl(s *mcp.Server) {
	addTool(d, s, changes("start", "Start a stack of a graph. It runs in the process that owns the store; without one it waits for `graphrun serve`.", false), startLine)
	addTool(d, s, changes("send", "Send an event to a stack.", false), func(in sendArgs, _ string) (toolLine, error) {
		args := []string{in.Stack, in.Event}
		l := stackLine("send", option("id", in.ID), "", args...)
		if in.Payload != nil {
			b, err := marshal(in.Payload)
			if err != nil {
				return l, err
			}
			l.args, l.in = append(l.args, "-"), string(b)
		}
		return l, nil
	})
	addTool(d, s, changes("answer", "Approve or reject what a node of a stack waits for. Do this only when the person who you work for has decided so.", true), answerLine)
	for _, v := range verbs {
		if v.name == "rm" {
			continue // nothing brings a stack and its history back
		}
		addTool(d, s, changes(v.name, v.short+".", v.name == "stop"), func(in stackArgs, _ string) (toolLine, error) {
			return stackLine(v.name, nil, "", in.Stack), nil
		})
	}
	addTool(d, s, changes("cancel", "End a stack as cancelled, or one of its tasks.", true), func(in cancelArgs, _ string) (toolLine, error) {
		return stackLine("cancel", slices.Concat(option("reason", in.Reason), option("node", in.Node)), "", in.Stack), nil
	})
	addTool(d, s, changes("retry", "Continue a stack that has ended, with its state, in the process that owns the store.", false), d.retryLine)
	addTool(d, s, changes("fork", "Make a new stack that continues from a moment of another one.", false), func(in forkArgs, _ string) (toolLine, error) {
		set, err := pairs("set", in.State, false)
		return stackLine("fork", slices.Concat(option("at", in.At), option("as", in.As), set), "", in.Stack), err
	})
}

// changes describes a tool that changes something.
func changes(name, about string, destructive bool) *mcp.Tool {
	return &mcp.Tool{Name: name, Description: about, Annotations: &mcp.ToolAnnotations{DestructiveHint: &destructive}}
}

func startLine(in startArgs, _ string) (toolLine, error) {
	target, text, err := in.or("graph", in.Graph)
	if err != nil {
		return toolLine{}, err
	}
	values, err := beginning(in.Params, in.State)
	if err != nil {
		return toolLine{}, err
	}
	l := stackLine("start", append(option("stack", in.Stack), values...), "", target)
	l.in = text
	return l, nil
}

func answerLine(in answerArgs, by string) (toolLine, error) {
	name := map[bool]string{true: "approve", false: "reject"}[in.Approved]
	flags := slices.Concat(option("comment", in.Comment), option("call", in.Call), option("for", in.For), option("by", by))
	if in.Value == nil {
		return stackLine(name, flags, "", in.Stack, in.Node), nil
	}
	b, err := marshal(in.Value)
	l := stackLine(name, append(flags, "--value=-"), "", in.Stack, in.Node)
	l.in = string(b)
	return l, err
}

// retryLine refuses where the command would run the stack itself: a call of a tool is no
// place for work that may take days.
func (d *desk) retryLine(in retryArgs, by string) (toolLine, error) {
	c, err := api.DialOwner(context.Background(), d.app.db)
	if errors.Is(err, api.ErrNoOwner) {
		return toolLine{}, usagef("nobody runs the store %s: retry needs `graphrun serve`", d.app.db)
	}
	if err == nil {
		err = c.Close()
	}
	if err != nil {
		return toolLine{}, d.app.outOfReach(err)
	}
	limits, err := pairs("limits", in.Limits, true)
	return stackLine("retry", append(limits, option("by", by)...), "", in.Stack), err
}
