package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/spf13/cobra"

	"github.com/graphrun/graphrun/graph/value"
)

func mcpCommand(a *app) *cobra.Command {
	var control bool
	var listen string
	cmd := &cobra.Command{
		Use:   "mcp",
		Short: "Give coding agents the commands as tools, over MCP",
		Args:  arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			d := newDesk(a, control)
			if listen != "" {
				return d.serve(cmd.Context(), listen)
			}
			err := d.server().Run(cmd.Context(), &mcp.IOTransport{Reader: io.NopCloser(a.in), Writer: noClose{a.out}})
			switch {
			case cmd.Context().Err() != nil:
				return cmd.Context().Err()
			case errors.Is(err, io.EOF), errors.Is(err, mcp.ErrConnectionClosed):
				return nil
			case err != nil:
				return usagef("the client: %v", err)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&control, "allow-control", false, "also tools that start, send, answer, pause, resume, wake, stop, cancel, retry and fork")
	cmd.Flags().StringVar(&listen, "listen", "", "`HOST:PORT` of this machine to serve over HTTP in place of standard input, at /mcp")
	return cmd
}

// noClose keeps standard output open when a session ends.
type noClose struct{ io.Writer }

func (noClose) Close() error { return nil }

// maxToolAnswer bounds what a tool says, in bytes. It goes into the context of a model.
const maxToolAnswer = 48 << 10

// desk answers the calls of an MCP client. Each call is a command of this program, which
// runs within this process with streams of its own: so a tool says what the command says.
type desk struct {
	app     *app
	control bool
	store   chan struct{} // holds one token: one command at a time may own the store
}

func newDesk(a *app, control bool) *desk {
	d := &desk{app: a, control: control, store: make(chan struct{}, 1)}
	a.kinds() // made once, before calls share it
	return d
}

func (d *desk) server() *mcp.Server {
	about := "graphrun runs graphs of agents: YAML files with typed state, nodes, edges with conditions, and cycles of waves. " +
		"A running graph is a stack. Read get {what: \"language\"} before you write a graph, then validate it, plan it and explore it. " +
		"explain says why a node of a stack ran or did not run, and what the stack waits for."
	if !d.control {
		about += " This server only reads."
	}
	s := mcp.NewServer(&mcp.Implementation{Name: "graphrun", Title: "graphrun", Version: version},
		&mcp.ServerOptions{Instructions: about, Capabilities: &mcp.ServerCapabilities{}})
	d.addLooking(s)
	if d.control {
		d.addControl(s)
	}
	return s
}

// toolLine is the command line of a call.
type toolLine struct {
	args   []string // from the name of the command on
	in     string   // standard input
	text   bool     // the answer is text; else JSON
	locks  bool     // the command may come to own the store
	narrow string   // how to ask for less
	says   string   // the answer, when it needs no command
}

// command begins a line: flags that are not empty, then the arguments, which no flag can be
// read from.
func command(name string, flags []string, args ...string) toolLine {
	return toolLine{args: slices.Concat([]string{name}, flags, []string{"--"}, args)}
}

// option is a flag with a value, or nothing for an empty one.
func option(name, value string) []string {
	if value == "" {
		return nil
	}
	return []string{"--" + name + "=" + value}
}

// pairs are flags NAME=K=V, in the order of keys. A text stands as it is where raw says so;
// all else is JSON.
func pairs(name string, values map[string]any, raw bool) (flags []string, err error) {
	for key, v := range values {
		text, isText := v.(string)
		if !isText || !raw {
			b, err := marshal(v)
			if err != nil {
				return nil, err
			}
			text = string(b)
		}
		flags = append(flags, "--"+name+"="+key+"="+text)
	}
	slices.Sort(flags)
	return flags, nil
}

// do runs a command and gives its answer as that of a tool. What printed an answer has
// succeeded as a tool, also with the exit code of a failed check: the answer says what failed.
func (d *desk) do(ctx context.Context, l toolLine) (*mcp.CallToolResult, error) {
	if l.says != "" {
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: l.says}}}, nil
	}
	if l.locks {
		select {
		case d.store <- struct{}{}:
			defer func() { <-d.store }()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	out, errs := &bounded{most: maxToolAnswer}, &bounded{most: maxToolAnswer / 4}
	code := d.app.within(ctx, l, out, errs)
	r := &mcp.CallToolResult{}
	say := func(text string) { r.Content = append(r.Content, &mcp.TextContent{Text: text}) }
	if text := out.String(); text != "" {
		say(text)
	}
	if out.cut {
		say(fmt.Sprintf("The answer is longer than %d bytes, and this is its beginning. %s", maxToolAnswer, l.narrow))
	}
	if text := errs.String(); text != "" && (!out.cut || code != exitStore) {
		say(text)
	}
	answered := out.b.Len() > 0 && (code == exitWorkFailed || code == exitInvalid || out.cut)
	r.IsError = code != exitDone && !answered
	if len(r.Content) == 0 {
		say(cmp.Or(map[bool]string{true: fmt.Sprintf("failed with exit code %d", code)}[r.IsError], "done"))
	}
	return r, nil
}

// within runs a command within this process, on the same store. The result is its exit code.
func (a *app) within(ctx context.Context, l toolLine, out, errs io.Writer) int {
	data := &dataWriter{w: out}
	sub := &app{in: strings.NewReader(l.in), out: data, err: errs, hurry: a.hurry, known: a.known}
	for _, arg := range l.args {
		if err := value.CheckText(arg); err != nil {
			return sub.exit(usagef("%q: %v", arg, err))
		}
	}
	format := "json"
	if l.text {
		format = "text"
	}
	root := newRoot(sub)
	root.SetArgs(slices.Concat([]string{"--db=" + a.db, "--output=" + format, "--utc", "--no-color"}, l.args))
	root.SetIn(sub.in)
	root.SetOut(data)
	root.SetErr(errs)
	return sub.exit(data.check(root.ExecuteContext(ctx)))
}

// bounded keeps the beginning of what is written. The write that does not fit fails, so that
// a command that prints a long list ends there.
type bounded struct {
	b    bytes.Buffer
	most int
	cut  bool
}

func (w *bounded) Write(p []byte) (int, error) {
	n := min(len(p), w.most-w.b.Len())
	w.b.Write(p[:n])
	if n < len(p) {
		w.cut = true
		return n, io.ErrShortWrite
	}
	return n, nil
}

// String is what was kept, up to the end of a line or at least of a character if it was cut.
func (w *bounded) String() string {
	text := w.b.String()
	if w.cut {
		if end := strings.LastIndexByte(text, '\n'); end > 0 {
			text = text[:end]
		}
		text = strings.ToValidUTF8(text, "")
	}
	return strings.TrimRight(text, "\n")
}
