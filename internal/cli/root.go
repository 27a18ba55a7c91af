package cli

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"

	"github.com/charmbracelet/colorprofile"
	"github.com/lmittmann/tint"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/graphrun/graphrun/nodes"
)

// app is one run of the program: its streams and the global flags.
type app struct {
	program *Program // nil is graphrun
	in      io.Reader
	out     *dataWriter
	err     io.Writer
	hurry   context.Context // ends at the second signal, when there is no more time for a grace

	lastly *atomic.Pointer[func()] // see onLastMoment; nil where the process does not end so

	known *nodes.Registry // the kinds, once they were asked for

	db           string         // "" where the stacks are not in a file
	backendFlags *pflag.FlagSet // those of a Backend
	output       string         // text or json
	noColor      bool
	verbose      bool
	utc          bool
}

const defaultDB = ".graphrun/graphrun.db"

// newRoot makes the commands of a program.
func newRoot(a *app) *cobra.Command {
	p := a.self()
	root := &cobra.Command{
		Use:               p.Name,
		Short:             p.Short,
		Version:           a.versionLine(),
		SilenceErrors:     true,
		SilenceUsage:      true,
		Args:              knownCommand,
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: func(*cobra.Command, []string) error { return a.checkGlobal() },
	}
	root.SetVersionTemplate("{{.Version}}\n")
	flags := root.PersistentFlags()
	if a.inFile() {
		flags.StringVar(&a.db, "db", defaultDB, "`PATH` of the store: one file that holds all stacks")
	} else {
		a.backendFlags = pflag.NewFlagSet(p.Name, pflag.ContinueOnError)
		p.Backend.Flags(a.backendFlags)
		flags.AddFlagSet(a.backendFlags)
	}
	flags.StringVarP(&a.output, "output", "o", "text", "`FORMAT` of the output: text or json")
	flags.BoolVar(&a.noColor, "no-color", false, "never color the output (NO_COLOR does the same)")
	flags.BoolVar(&a.utc, "utc", false, "show times in UTC, not in the local time zone")
	flags.BoolVarP(&a.verbose, "verbose", "v", false, "log what the engine does to standard error")
	root.AddCommand(sharedCommands(a)...)
	if a.inFile() {
		root.AddCommand(fileCommands(a)...)
	}
	root.SetHelpCommand(helpCommand())
	root.SetFlagErrorFunc(flagError)
	root.CompletionOptions.DisableDefaultCmd = true
	a.completeAll(root)
	if p.Commands != nil {
		root.AddCommand(p.Commands(&Shell{a})...)
	}
	a.describe(root)
	return root
}

// sharedCommands are those of every program: they reach stacks through its backend alone.
func sharedCommands(a *app) []*cobra.Command {
	return slices.Concat([]*cobra.Command{
		startCommand(a), sendCommand(a), cancelCommand(a),
		psCommand(a), statusCommand(a), stateCommand(a), explainCommand(a), historyCommand(a),
		traceCommand(a), logsCommand(a), diffCommand(a), evalCommand(a),
		versionCommand(a), completionCommand(a),
	}, verbCommands(a), answerCommands(a))
}

// fileCommands are those of graphrun alone: they need no stacks, or the file that they are in.
func fileCommands(a *app) []*cobra.Command {
	return []*cobra.Command{
		validateCommand(a), testCommand(a), runCommand(a), planCommand(a),
		graphCommand(a), fmtCommand(a), schemaCommand(a), kindsCommand(a), lspCommand(a), initCommand(a),
		serveCommand(a), openCommand(a), retryCommand(a), forkCommand(a), poolCommand(a),
		exploreCommand(a), modelsCommand(a), memoryCommand(a),
		tokenCommand(a), backupCommand(a), compactCommand(a), doctorCommand(a),
		replayCommand(a), backtestCommand(a), mcpCommand(a),
	}
}

// checkGlobal checks the global flags, and that the output does not go into the store.
func (a *app) checkGlobal() error {
	if a.output != "text" && a.output != "json" {
		return usagef("--output %q: expected text or json", a.output)
	}
	if !a.inFile() {
		return nil
	}
	if a.db == "" {
		return usagef("--db is empty: expected the path of the store")
	}
	if info, err := os.Lstat(a.db); err == nil && info.Mode()&os.ModeSymlink != 0 {
		// What lies beside a store is found under each of its names.
		if real, err := filepath.EvalSymlinks(a.db); err == nil {
			a.db = real
		}
	}
	if err := a.refuseStream("standard error", a.err); err != nil {
		a.err = io.Discard // nothing can be said without writing there
		return err
	}
	return a.refuseStream("standard output", a.out)
}

// json reports whether the output is for programs.
func (a *app) json() bool { return a.output == "json" }

// color reports whether what is written to w may be colored: a terminal, and
// nobody objects.
func (a *app) color(w io.Writer) bool {
	if d, ok := w.(*dataWriter); ok {
		w = d.w
	}
	return !a.noColor && isTerminal(w) && colorprofile.Detect(w, os.Environ()) > colorprofile.ASCII
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// logger writes to standard error with --verbose. Without it nothing is
// logged: what ends a command is its error message, and said once.
func (a *app) logger() *slog.Logger {
	switch {
	case !a.verbose:
		return slog.New(slog.DiscardHandler)
	case isTerminal(a.err):
		return slog.New(tint.NewTextHandler(a.err, &tint.Options{Level: slog.LevelDebug, NoColor: !a.color(a.err)}))
	}
	return slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
