package cli

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/charmbracelet/colorprofile"
	"github.com/lmittmann/tint"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/graphrun/graphrun/nodes"
)

// app is one run of the program: its streams and the global flags.
type app struct {
	in    io.Reader
	out   *dataWriter
	err   io.Writer
	hurry context.Context // ends at the second signal, when there is no more time for a grace

	lastly *atomic.Pointer[func()] // see onLastMoment; nil where the process does not end so

	known *nodes.Registry // the kinds, once they were asked for

	db      string
	output  string // text or json
	noColor bool
	verbose bool
	utc     bool
}

const defaultDB = ".graphrun/graphrun.db"

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:           "graphrun",
		Short:         "Run graphs of agents: typed state, checked conditions, durable waves",
		Version:       versionLine(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          knownCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if a.output != "text" && a.output != "json" {
				return usagef("--output %q: expected text or json", a.output)
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
		},
	}
	root.SetVersionTemplate("{{.Version}}\n")
	flags := root.PersistentFlags()
	flags.StringVar(&a.db, "db", defaultDB, "`PATH` of the store: one file that holds all stacks")
	flags.StringVarP(&a.output, "output", "o", "text", "`FORMAT` of the output: text or json")
	flags.BoolVar(&a.noColor, "no-color", false, "never color the output (NO_COLOR does the same)")
	flags.BoolVar(&a.utc, "utc", false, "show times in UTC, not in the local time zone")
	flags.BoolVarP(&a.verbose, "verbose", "v", false, "log what the engine does to standard error")
	root.AddCommand(
		validateCommand(a), testCommand(a), runCommand(a), planCommand(a), explainCommand(a), stateCommand(a),
		graphCommand(a), fmtCommand(a), schemaCommand(a), kindsCommand(a), lspCommand(a),
		initCommand(a), versionCommand(a), completionCommand(a),
	)
	root.AddCommand(
		serveCommand(a), openCommand(a), startCommand(a), psCommand(a), statusCommand(a),
		sendCommand(a), cancelCommand(a), retryCommand(a), forkCommand(a), poolCommand(a),
		historyCommand(a), traceCommand(a), logsCommand(a), exploreCommand(a),
		modelsCommand(a), memoryCommand(a),
		tokenCommand(a), backupCommand(a), compactCommand(a), doctorCommand(a),
	)
	root.AddCommand(diffCommand(a), evalCommand(a), replayCommand(a), backtestCommand(a))
	root.AddCommand(mcpCommand(a))
	root.AddCommand(verbCommands(a)...)
	root.AddCommand(answerCommands(a)...)
	root.SetHelpCommand(helpCommand())
	root.SetFlagErrorFunc(flagError)
	root.CompletionOptions.DisableDefaultCmd = true
	a.completeAll(root)
	a.describe(root)
	return root
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
