package std

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/graphrun/graphrun/nodes"
)

// execNode runs programs. The fields are the times that tests shorten.
type execNode struct {
	killAfter time.Duration // from TERM to KILL
	want      time.Duration // how long to wait for what the machine is out of
	drain     time.Duration // how long to wait for output once the program has ended
}

func (n execNode) Run(ctx context.Context, t nodes.Task) (nodes.Result, error) {
	s, err := newScript(t)
	if err != nil {
		return nodes.Result{}, err
	}
	if t.Rerun {
		// Whatever becomes of this attempt: it is not over while they run.
		if err := endLeftovers(context.WithoutCancel(ctx), t.Key, n.killAfter, t.Hurry); err != nil {
			return nodes.Result{}, err
		}
	}
	if err := context.Cause(ctx); err != nil {
		return nodes.Result{}, err
	}
	out := &head{max: s.maxOutput, over: make(chan struct{})}
	errs := &tail{max: stderrTail, mask: t.Mask, log: debugLines(ctx, t.Logger)}
	state, err := n.run(ctx, s, out, errs, t)
	errs.flush()
	if err != nil {
		return nodes.Result{}, err
	}
	if out.full {
		return nodes.Result{}, nodes.Errorf("output", "more than %d bytes on standard output (max_output)", s.maxOutput)
	}
	if !state.Success() {
		msg := state.String() // "exit status 3", "signal: killed"
		if end := errs.String(); end != "" {
			msg += ": " + end
		}
		return nodes.Result{}, &nodes.Error{Kind: "exit", Message: msg}
	}
	v, err := parseOutput(s.parse, out.kept)
	return nodes.Result{Output: v}, err
}

// CleanUp ends the programs of an attempt that outlived their engine.
func (n execNode) CleanUp(ctx context.Context, t nodes.Task) error {
	return endLeftovers(ctx, t.Key, n.killAfter, t.Hurry)
}

// run starts the program and sees to its end. When it returns, no process of
// the group is alive, but for one that nothing can end.
func (n execNode) run(ctx context.Context, s *script, stdout *head, stderr *tail, t nodes.Task) (*os.ProcessState, error) {
	var p *process
	err := patiently(ctx, n.want, func() (err error) {
		p, err = start(s, stdout, stderr)
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
	defer p.close()
	select {
	case <-p.exited:
		p.drained(n.drain) // what its children still write is output too
	case <-ctx.Done():
		n.cutOff(ctx, p, t)
		err = context.Cause(ctx)
	case <-stdout.over: // nothing it does can make the node succeed
		n.cutOff(ctx, p, t)
	}
	p.killAll()
	<-p.exited
	p.drained(n.drain)
	return p.cmd.ProcessState, err
}

// cutOff ends the program, its group, and what it started that left the group: the
// next attempt must not run beside any of it.
func (n execNode) cutOff(ctx context.Context, p *process, t nodes.Task) {
	end := time.Now().Add(n.killAfter)
	p.end(n.killAfter, t.Hurry)
	p.killAll()
	_ = endLeftovers(context.WithoutCancel(ctx), t.Key, max(0, time.Until(end)), t.Hurry) // the attempt is over with an error already
}

// script is one program to run.
type script struct {
	path      string // absolute
	args      []string
	env       []string
	dir       string
	stdin     []byte // nil if there is nothing to read
	parse     string
	maxOutput int64
}

// newScript reads the evaluated `with`.
func newScript(t nodes.Task) (*script, error) {
	c := settings(t)
	s := &script{dir: resolve(t.Dir, c.text("dir", "")), parse: c.text("parse", parsings[0]), maxOutput: c.size("max_output", maxStdout)}
	s.args = c.argv()
	s.env = append(inherited(), c.environment()...)
	s.env = append(s.env, identity(t)...) // last: the last one of a name counts
	if in, ok := c.with["stdin"]; ok {
		if text, ok := in.(string); ok {
			s.stdin = []byte(text)
		} else {
			s.stdin = c.json("stdin", in)
		}
	}
	if !slices.Contains(parsings, s.parse) {
		c.failf(`"parse" is %q, want one of %s`, s.parse, strings.Join(parsings, ", "))
	}
	if c.err != nil {
		return nil, c.err
	}
	path, err := program(t.Dir, s.args[0])
	if err != nil {
		return nil, badConfig(err.Error())
	}
	s.path = path
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

// inherited is all that a program gets of the engine's environment, which may
// hold what no program of a graph should see.
func inherited() []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "LANG", "TMPDIR"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

const keyVariable = "GRAPHRUN_KEY"

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
		keyVariable + "=" + t.Key,
	}
}

// resolve is a path of the graph, relative to its folder.
func resolve(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// program finds the file to run: by its path, or in the engine's own PATH.
func program(dir, name string) (string, error) {
	if strings.ContainsRune(name, '/') || strings.ContainsRune(name, filepath.Separator) {
		// Absolute, because the working folder of the program is another one.
		return filepath.Abs(resolve(dir, name))
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("cannot start %q: %w", name, errors.Unwrap(err))
	}
	return filepath.Abs(path)
}

// debugLines gives each line of standard error to the log, where somebody
// listens at that level.
func debugLines(ctx context.Context, log *slog.Logger) func(line string) {
	if log == nil || !log.Enabled(ctx, slog.LevelDebug) {
		return nil
	}
	return func(line string) { log.DebugContext(ctx, "stderr", "line", line) }
}
