package cli

import (
	"context"
	"log/slog"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime/api"
)

// Program is a program of the commands that start, control and look at stacks, wherever those
// are. It says the same as graphrun.
type Program struct {
	Name   string // as it is called: messages begin with it, and hints name it
	Short  string // what it does, in a line
	Long   string // the beginning of its help
	Runner string // the command that runs stacks, as hints name it: "graphrun serve"
	// Version is that of a release build. Defaults to that of the source.
	Version string
	// Backend is where the stacks are. Defaults to the store of --db, with all commands of
	// graphrun.
	Backend Backend
	// Commands are those of its own, beside the shared ones. They bring their help, in Long and
	// Example. Defaults to none.
	Commands func(*Shell) []*cobra.Command
}

// Backend is where the commands of a Program find stacks.
type Backend interface {
	// Flags adds its global flags. Hints repeat those that were given, so a secret is better
	// taken from the environment.
	Flags(*pflag.FlagSet)
	// Connect gives a client of the stacks, which the command closes: see Shell.Client. begin
	// says that the command may make the place for stacks where there is none yet. A
	// *runtime.StoreError is exit code 4, any other error is wrong usage.
	Connect(ctx context.Context, s *Shell, begin bool) (*api.Client, error)
}

// graphrun is the program itself.
var graphrun = Program{
	Name: "graphrun", Short: "Run graphs of agents: typed state, checked conditions, durable waves",
	Long: aboutGraphrun, Runner: "graphrun serve",
}

// self is the program that this is a run of.
func (a *app) self() *Program {
	if a.program == nil {
		return &graphrun
	}
	return a.program
}

func (a *app) name() string { return a.self().Name }

// inFile reports whether the stacks are in the store of --db.
func (a *app) inFile() bool { return a.self().Backend == nil }

// Shell is what a Backend and the commands of a Program have of the run that they are part of.
type Shell struct{ a *app }

// Kinds are the kinds of nodes that the program knows.
func (s *Shell) Kinds() *nodes.Registry { return s.a.kinds() }

// Open is Kinds for a command that does the work of nodes. What kinds share, such as MCP
// servers, stays until close, which is called when no work is under way any more.
func (s *Shell) Open(ctx context.Context) (kinds *nodes.Registry, close func()) {
	w := newWork(s.a, nil)
	w.open(ctx)
	return w.kinds, w.close
}

// Logger writes to standard error with --verbose, and nowhere without it.
func (s *Shell) Logger() *slog.Logger { return s.a.logger() }

// ServerLog writes what operators should know to standard error, also without --verbose.
func (s *Shell) ServerLog() *slog.Logger { return s.a.serverLog() }

// Interrupted is what a command returns that runs until a signal ends its context: nil for
// SIGTERM, else exit code 130. next says what becomes of the stacks.
func (s *Shell) Interrupted(ctx context.Context, next string) error { return interrupted(ctx, next) }

// Hurry ends when the process is interrupted a second time, while the context of a command ends
// the first time: there is no more time for a grace.
func (s *Shell) Hurry() context.Context { return s.a.hurry }

// Client is a client of an engine in this process, whose stacks r has. close, which gives both
// back, is called by its Close.
func (s *Shell) Client(engine api.Engine, r inspect.Reader, close func() error) *api.Client {
	return api.Direct(api.New(engine, api.Options{
		Door: api.Door{Trusted: true}, Store: r, Kinds: s.a.kinds(), Compile: s.a.compile, MaxBody: maxLocalBody,
		Server: api.Server{Version: version},
	}), close)
}

// Through runs f with a client of the backend, and closes it. Errors of the API get the exit
// codes that they stand for.
func (s *Shell) Through(ctx context.Context, f func(*api.Client) error) error {
	return s.a.through(ctx, f)
}

// StartRequest asks for a stack of a graph file, or of standard input for "-", with params and
// values of state keys as --param and --set have them. A graph with problems is shown on
// standard error, and is exit code 3.
func (s *Shell) StartRequest(file, stack string, params, sets []string) (api.StartRequest, error) {
	r := api.StartRequest{Stack: stack}
	var err error
	if r.State, err = parseSets(sets); err != nil {
		return r, err
	}
	return r, s.a.define(&r, file, params)
}

// JSON reports whether the output is for programs: -o json.
func (s *Shell) JSON() bool { return s.a.json() }

// PrintJSON writes a value as a line of JSON to standard output.
func (s *Shell) PrintJSON(v any) error { return s.a.printJSON(v) }

// Printf writes text to standard output. Whatever it contains is safe on a terminal.
func (s *Shell) Printf(format string, args ...any) { s.a.printf(format, args...) }

// Notef is Printf to standard error.
func (s *Shell) Notef(format string, args ...any) { s.a.notef(format, args...) }

// Arguments checks how many arguments a command gets; form is how they are written in the
// usage line. most < 0 is any number.
func Arguments(least, most int, form string) cobra.PositionalArgs {
	return arguments(least, most, form)
}

// Usagef is a mistake in how the program was called: exit code 2.
func Usagef(format string, args ...any) error { return usagef(format, args...) }

// Exit ends the program with a code. A nil err says that everything was said already.
func Exit(code int, err error) error { return &exitError{code, err} }
