package std

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/internal/program"
	"github.com/graphrun/graphrun/nodes/internal/stay"
)

// execNode runs programs. The fields are the times that tests shorten.
type execNode struct {
	killAfter time.Duration // from TERM to KILL
	want      time.Duration // how long to wait for what the machine is out of
	drain     time.Duration // how long to wait for output once the program has ended
	stays     *stay.Programs
}

func (n execNode) Run(ctx context.Context, t nodes.Task) (nodes.Result, error) {
	c := settings(t)
	if c.stays() {
		return n.runStaying(ctx, t)
	}
	s, err := newScript(c, t)
	if err != nil {
		return nodes.Result{}, err
	}
	if t.Rerun {
		// Whatever becomes of this attempt: it is not over while they run.
		if err := program.EndLeftovers(context.WithoutCancel(ctx), t.Key, n.killAfter, t.Hurry); err != nil {
			return nodes.Result{}, err
		}
	}
	if err := context.Cause(ctx); err != nil {
		return nodes.Result{}, err
	}
	out := &head{max: s.maxOutput, over: make(chan struct{})}
	errs := &program.Tail{Max: program.StderrTail, Mask: t.Mask, Log: debugLines(ctx, t.Logger)}
	if s.parse == "full" {
		errs.Max = nodes.MaxErrorOutput
	}
	state, err := n.run(ctx, s, out, errs, t)
	errs.Flush()
	v, err := s.result(state, err, out, errs)
	if err == nil {
		v, err = Fitted(t, t.Output, v)
	}
	if err != nil && state != nil { // it has run
		err = told(err, state.ExitCode(), out.kept, t.Mask)
	}
	return nodes.Result{Output: v}, err
}

// result is what a program gave that has ended, or why that is a failure.
func (s *script) result(state *os.ProcessState, err error, out *head, errs *program.Tail) (any, error) {
	switch {
	case err != nil:
		return nil, err
	case out.full:
		return nil, nodes.Errorf("output", "more than %d bytes on standard output (max_output)", s.maxOutput)
	case !state.Exited() || !slices.Contains(s.expect, int64(state.ExitCode())):
		msg := state.String() // "exit status 3", "signal: killed"
		if end := errs.Last(program.StderrTail); end != "" {
			msg += ": " + end
		}
		return nil, &nodes.Error{Kind: "exit", Message: msg}
	case s.parse != "full":
		return parseOutput(s.parse, out.kept)
	}
	text, err := parseOutput("text", out.kept)
	if err != nil {
		return nil, err
	}
	said, before := errs.Bytes()
	if err := value.CheckText(said); err != nil {
		if at := (*value.TextError)(nil); errors.As(err, &at) {
			at.Offset += before
		}
		return nil, nodes.Errorf("output", "standard error is not text: %v", err)
	}
	return map[string]any{"code": int64(state.ExitCode()), "stdout": text, "stderr": errs.Whole()}, nil
}

// told is a failure of a program with its exit code, unless a signal ended it, and with
// the end of what it had printed.
func told(err error, code int, printed []byte, mask func(string) string) error {
	var e *nodes.Error
	if !errors.As(err, &e) || e == nil {
		e = &nodes.Error{Kind: "error", Message: err.Error()} // Run sets the kind of an attempt that was ended
	}
	c := *e
	if code >= 0 {
		exit := int64(code)
		c.Code = &exit
	}
	text := program.End(program.Text(printed), nodes.MaxErrorOutput, mask)
	c.Output = &text
	return &c
}

// CleanUp ends the programs of an attempt that outlived their engine.
func (n execNode) CleanUp(ctx context.Context, t nodes.Task) error {
	return program.EndLeftovers(ctx, t.Key, n.killAfter, t.Hurry)
}

// CleanUpCalls ends the programs of calls by a task that outlived their engine.
func (n execNode) CleanUpCalls(ctx context.Context, t nodes.Task) error {
	return program.EndAll(ctx, func(key string) bool { return nodes.IsCallOf(key, t.Key) }, n.killAfter, t.Hurry)
}

// run starts the program and sees to its end. When it returns, no process of
// the group is alive, but for one that nothing can end.
func (n execNode) run(ctx context.Context, s *script, stdout *head, stderr *program.Tail, t nodes.Task) (*os.ProcessState, error) {
	var p *program.Process
	err := program.Patiently(ctx, n.want, func() (err error) {
		p, err = s.Start(s.input(), stdout, stderr)
		return err
	})
	var failure *nodes.Error
	switch {
	case errors.As(err, &failure):
		return nil, failure
	case err != nil && ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, badConfig(err.Error())
	}
	defer p.Close()
	select {
	case <-p.Exited():
		p.Drained(n.drain) // what its children still write is output too
	case <-ctx.Done():
		n.cutOff(ctx, p, t)
		err = context.Cause(ctx)
	case <-stdout.over: // nothing it does can make the node succeed
		n.cutOff(ctx, p, t)
	}
	p.KillAll()
	<-p.Exited()
	p.Drained(n.drain)
	return p.State(), err
}

// cutOff ends the program, its group, and what it started that left the group: the
// next attempt must not run beside any of it.
func (n execNode) cutOff(ctx context.Context, p *program.Process, t nodes.Task) {
	end := time.Now().Add(n.killAfter)
	p.End(n.killAfter, t.Hurry)
	p.KillAll()
	_ = program.EndLeftovers(context.WithoutCancel(ctx), t.Key, max(0, time.Until(end)), t.Hurry) // the attempt is over with an error already
}

// script is one program to run.
type script struct {
	program.Command
	stdin     []byte // nil if there is nothing to read
	parse     string
	expect    []int64 // the exit codes that are a success
	maxOutput int64
}

// input is what the program reads; nil if there is nothing.
func (s *script) input() io.Reader {
	if s.stdin == nil {
		return nil
	}
	return bytes.NewReader(s.stdin)
}

// newScript reads the evaluated `with`.
func newScript(c *config, t nodes.Task) (*script, error) {
	s := &script{Command: program.Command{Dir: program.Resolve(t.Dir, c.text("dir", ""))}, parse: c.text("parse", parsings[0]), maxOutput: c.size("max_output", maxStdout)}
	s.Args = c.argv()
	s.Env = append(program.Inherited(), c.environment()...)
	s.Env = append(s.Env, identity(t)...) // last: the last one of a name counts
	if in, ok := c.with["stdin"]; ok {
		if text, ok := in.(string); ok {
			s.stdin = []byte(text)
		} else {
			s.stdin = c.json("stdin", in)
		}
	}
	if s.expect = c.integers("expect", "exit codes"); s.expect == nil {
		s.expect = []int64{0}
	}
	if !slices.Contains(parsings, s.parse) {
		c.failf(`"parse" is %q, want one of %s`, s.parse, strings.Join(parsings, ", "))
	}
	if c.err != nil {
		return nil, c.err
	}
	path, err := program.Find(t.Dir, s.Args[0])
	if err != nil {
		return nil, badConfig(err.Error())
	}
	s.Path = path
	return s, nil
}

// argv is the argument list, never empty unless c.err is set.
func (c *config) argv() []string {
	script := c.text("shell", "")
	list, isList := c.with["command"].([]any)
	switch {
	case c.with["command"] != nil && script != "":
		c.failf(`exec takes "command" or "shell", not both`)
	case script != "":
		return []string{"/bin/sh", "-c", script}
	case c.with["command"] == nil:
		c.failf(`exec needs "command" or "shell"`)
	case !isList:
		c.failf(`"command" is %s, want a list: [program, argument]`, describe(c.with["command"]))
	case len(list) == 0:
		c.failf(`"command" is empty`)
	}
	args := make([]string, len(list))
	for i, v := range list {
		args[i] = c.scalar(fmt.Sprintf("argument %d of the command", i), v)
	}
	return args
}

// environment is `env`, sorted, so that two attempts see the same.
func (c *config) environment() []string {
	var env []string
	fields := c.fields("env")
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if name == "" || strings.ContainsAny(name, "=\x00") {
			c.failf("%q cannot be the name of an environment variable", name)
		}
		env = append(env, name+"="+c.scalar(fmt.Sprintf("environment variable %q", name), fields[name]))
	}
	return env
}

// identity tells the program who it is.
func identity(t nodes.Task) []string {
	return []string{
		"GRAPHRUN_STACK=" + t.Stack,
		"GRAPHRUN_GRAPH=" + t.Graph,
		"GRAPHRUN_CYCLE=" + strconv.FormatUint(t.Cycle, 10),
		"GRAPHRUN_WAVE=" + strconv.FormatUint(t.Wave, 10),
		"GRAPHRUN_NODE=" + t.Node,
		"GRAPHRUN_ITEM=" + strings.ReplaceAll(t.Item, "\x00", ""), // no variable can hold it
		"GRAPHRUN_ATTEMPT=" + strconv.Itoa(t.Attempt),
		program.KeyVariable + "=" + t.Key,
	}
}

// debugLines gives each line of standard error to the log, where somebody
// listens at that level.
func debugLines(ctx context.Context, log *slog.Logger) func(line string) {
	if log == nil || !log.Enabled(ctx, slog.LevelDebug) {
		return nil
	}
	return func(line string) { log.DebugContext(ctx, "stderr", "line", line) }
}
