package std

import (
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/internal/program"
	"github.com/graphrun/graphrun/nodes/internal/stay"
)

// parsings are the ways to read standard output; the first is the default.
var parsings = words(parseChoices)

// maxStdout is what standard output may be when `max_output` is not written.
const maxStdout = 1 << 20

func execKind(log *slog.Logger) nodes.Spec {
	return nodes.Spec{
		Kind: graph.Kind{
			Name: "exec",
			Doc: "Runs a program. There is no shell between the graph and the program: `command` is its argument list, and no value can become a second argument. " +
				"The program gets PATH, HOME, LANG and TMPDIR, what `env` declares, and GRAPHRUN_STACK, _GRAPH, _CYCLE, _WAVE, _NODE, _ITEM, _ATTEMPT and _KEY (the idempotency key, the same for every attempt), and nothing else of the environment. " +
				"It fails with kind `exit` when the exit code is not zero (or none of `expect`) or a signal ended the program, with the end of standard error in the message, the exit code in `error.code` and the last 64 KiB of standard output in `error.output`, as after a timeout; with `output` when standard output cannot be parsed or is too large; with `config` when the program cannot be started. When the machine is out of descriptors, processes or memory, it tries to start the program for up to a minute, and then fails with `error`. " +
				"A timeout or a cancel ends its whole process group: TERM, then KILL after 5 s. Its end is recorded when the group is gone, and nothing follows it before. Processes of the group that outlive the program are ended too. A process that left the group (`setsid`) keeps running when the program ends by itself; after a timeout or a cancel it is ended too (on Linux). " +
				"After a crash of the engine, what is left of the earlier attempt is ended before the node runs again or is cancelled (on Linux). " +
				"With `stay: true` the program is started when it is first needed and stays: it reads one task a line, and writes one answer a line. See [programs.md](programs.md).",
			Fields: []graph.Field{
				{Name: "command", Type: "list(any)", Text: true, Doc: "The program and its arguments; numbers and booleans become text as they are written. With a slash in it the program is relative to the graph file, without one it is looked up in PATH. Either `command` or `shell` is required."},
				{Name: "shell", Type: "string", Doc: "A script for `/bin/sh -c` in place of `command`. It is fixed: pass values through `env` or `stdin`."},
				{Name: "stdin", Type: "any", Text: true, Doc: "Standard input: text, a number or a boolean as it is written, any other value as compact JSON. Default: nothing to read."},
				{Name: "env", Type: "map(any)", Text: true, Doc: "More environment variables; numbers and booleans become text as they are written. The GRAPHRUN_ variables cannot be set."},
				{Name: "dir", Type: "string", Doc: "The working folder, relative to the graph file. Default: the graph file's folder."},
				{Name: "parse", Choices: parseChoices, Type: "string", Tool: "text", Literal: true, Doc: "How standard output becomes the output: `json` (one value; nothing is null), `text` (as it is), `lines` (a list, without line ends), `base64` (any bytes, as base64 text) or `full` ({code, stdout, stderr}: the exit code, and both outputs as text, of standard error the last 64 KiB). All but `base64` fail with kind `output` at a byte that is not UTF-8. Default: json."},
				{Name: "stay", Type: "boolean", Literal: true, Doc: "Whether the program stays for further tasks of this node, of all stacks. `stdin` is the `input` of the task then, `env` comes with each task, and the environment of the program has neither `env` nor what tells one task from another. `command` and `dir` take no ${{ }} then, and there is no `parse`. Default: false."},
				{Name: "parallel", Type: "integer", Literal: true, Doc: "How many tasks a process that stays may hold at a time, up to 1000. Default: 1."},
				{Name: "processes", Type: "integer", Literal: true, Doc: "How many processes of a program that stays there may be, up to 100. Another one is started when all are full. Default: 1."},
				{Name: "idle", Type: "duration", Literal: true, Doc: "How long a process stays without a task. Default: 1m."},
				outputField("the output"),
				{Name: "expect", Type: "list(integer)", Doc: "The exit codes that are a success. Default: [0]."},
				{Name: "max_output", Type: "integer", Doc: "How many bytes standard output may have, up to 64 MiB; one more ends the program and fails the node with kind `output`. Default: 1048576."},
			},
			Output: execOutput,
			Check:  checkExec,
		},
		Node: execNode{killAfter: 5 * time.Second, want: program.WantTime, drain: 500 * time.Millisecond,
			stays: stay.New(stay.DefaultLimits, log)},
	}
}

func execOutput(c graph.Config) *schema.Type {
	if t := declared(c, "output", nil); t != nil {
		return t
	}
	if isStaying(c.Tree) {
		return schema.AnyType
	}
	switch parse, _ := fixedText(c.Tree.Get("parse")); parse.Value {
	case "text", "base64":
		return schema.StringType
	case "lines":
		return schema.ListOf(schema.StringType)
	case "full":
		return schema.ObjectOf(
			schema.Prop{Name: "code", Type: schema.IntegerType, Required: true},
			schema.Prop{Name: "stdout", Type: schema.StringType, Required: true},
			schema.Prop{Name: "stderr", Type: schema.StringType, Required: true},
		)
	}
	return schema.AnyType
}

func checkExec(c graph.Config, report func(diag.Code, diag.Span, string, string, ...any)) {
	var whole diag.Span
	if c.Tree != nil {
		whole = c.Tree.Span
	}
	checkDeclared("output")(c, report)
	command, shell := c.Tree.Get("command"), c.Tree.Get("shell")
	switch {
	case command == nil && shell == nil:
		report(diag.BadConfig, whole, "command: [program, argument]", `exec needs "command" or "shell"`)
	case command != nil && shell != nil:
		report(diag.BadConfig, shell.Span, "", `exec takes "command" or "shell", not both`)
	}
	checkCommand(command, report)
	if shell != nil && shell.Kind == tree.String {
		if i := templateAt(shell.Text.Value); i >= 0 {
			end := len(shell.Text.Value)
			if n := strings.Index(shell.Text.Value[i:], "}}"); n >= 0 {
				end = i + n + len("}}")
			}
			report(diag.ShellInterpolation, shell.Text.Sub(i, end), "pass the value through `env` or `stdin`",
				"a shell script takes no ${{ }}: the value would be run as a program")
		}
	}
	if p, ok := fixedText(c.Tree.Get("parse")); ok && !slices.Contains(parsings, p.Value) {
		report(diag.BadConfig, p.Span, "one of "+strings.Join(parsings, ", "), "\"parse\" cannot be %q", p.Value)
	}
	checkFixedSize(c.Tree.Get("max_output"), "max_output", report)
	checkStay(c, report)
}

func checkCommand(command *tree.Node, report func(diag.Code, diag.Span, string, string, ...any)) {
	if command == nil || command.Kind != tree.List {
		return // another type, or a template: the compiler's part
	}
	if len(command.Items) == 0 {
		report(diag.BadConfig, command.Span, "command: [program, argument]", `"command" is empty`)
	}
	for i, item := range command.Items {
		if item.Kind == tree.List || item.Kind == tree.Map {
			report(diag.WrongType, item.Span, "", "argument %d of the command is a %s, want text, a number or a boolean", i, item.Kind)
		}
	}
}
