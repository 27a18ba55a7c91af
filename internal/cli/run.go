package cli

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
)

// runFlags are the flags of `graphrun run`.
type runFlags struct {
	stack        string
	params, sets []string
	cycles       int
	once         bool
	untilIdle    bool
	parallel     int
	durability   string
	trace        string
	record       string
	replay       string
	grace        time.Duration
	watch        bool

	retry *runtime.RetryOptions // the stack has ended, and continues; nil to run it
	ended bool                  // the stack had ended before
}

func runCommand(a *app) *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run FILE",
		Short: "Run one stack of a graph in the foreground until it ends",
		Args:  arguments(1, 1, "one FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(cmd); err != nil {
				return err
			}
			if f.watch {
				if err := checkWatch(cmd, args[0]); err != nil {
					return err
				}
				return a.watchGraph(cmd.Context(), args[0], f)
			}
			return a.runStack(cmd.Context(), args[0], f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.stack, "stack", "", "the stack's `ID` (default: the graph's name)")
	flags.StringArrayVar(&f.params, "param", nil, "`K=V`: a parameter; V is text for a string, else JSON")
	flags.StringArrayVar(&f.sets, "set", nil, "`K=JSON` or K=@FILE: the initial value of a state key")
	flags.IntVar(&f.cycles, "cycles", 0, "end after `N` more cycles (default: run until the stack ends)")
	flags.BoolVar(&f.once, "once", false, "end after one cycle")
	flags.BoolVar(&f.untilIdle, "until-idle", false, "end after a cycle in which no node ran")
	flags.IntVar(&f.parallel, "parallel", 0, "at most `N` tasks at once, in the default pool and in every other (default: as the graph says)")
	flags.StringVar(&f.durability, "durability", string(runtime.DurabilityWave), "force the store to disk after every `wave` (survives a power cut), every cycle, or none")
	flags.StringVar(&f.trace, "trace", "", "write every record as a JSON line to `FILE` (- for standard output)")
	flags.StringVar(&f.record, "record", "", "write what models and MCP servers are asked, and what they answer, to `FILE` as JSON lines")
	flags.StringVar(&f.replay, "replay", "", "answer for models and MCP servers from `FILE`, which --record wrote, and use no network")
	flags.DurationVar(&f.grace, "grace", runtime.DefaultGrace, "how long running tasks may continue after an interrupt")
	flags.BoolVarP(&f.watch, "watch", "w", false, "run nothing: validate and plan, again at each change of the file, until Ctrl-C")
	return cmd
}

// check settles what the flags say together.
func (f *runFlags) check(cmd *cobra.Command) error {
	given := cmd.Flags().Changed
	switch {
	case f.once && given("cycles"):
		return usagef("--once is --cycles 1: give one of them")
	case given("cycles") && f.cycles < 1:
		return usagef("--cycles %d: expected 1 or more", f.cycles)
	case given("parallel") && f.parallel < 1:
		return usagef("--parallel %d: expected 1 or more", f.parallel)
	case given("stack") && f.stack == "":
		return usagef("--stack is empty: expected the id of a stack")
	case given("record") && (f.record == "" || f.record == "-"):
		return usagef("--record %q: expected the path of a file", f.record)
	case given("replay") && f.replay == "":
		return usagef("--replay is empty: expected the path of a file")
	case f.record != "" && f.replay != "":
		return usagef("--record and --replay: give one of them")
	case f.grace < 0:
		return usagef("--grace %s: expected 0s or more", f.grace)
	}
	words := []runtime.Durability{runtime.DurabilityWave, runtime.DurabilityCycle, runtime.DurabilityNone}
	if !slices.Contains(words, runtime.Durability(f.durability)) {
		return usagef("--durability %q: expected wave, cycle or none", f.durability)
	}
	if f.once {
		f.cycles = 1
	}
	return nil
}

// runStack is `graphrun run`: from the graph file to the final object.
func (a *app) runStack(ctx context.Context, file string, f runFlags) error {
	src, err := a.load(file)
	if err != nil {
		return err
	}
	if f.stack == "" {
		f.stack = src.Graph.Name
	}
	for _, file := range []struct{ flag, name string }{{"--trace", f.trace}, {"--record", f.record}} { // before the store is opened, which may create it
		if file.name == "" || file.name == "-" {
			continue
		}
		if err := a.refuseTarget(file.flag, file.name, filesOf(src)...); err != nil {
			return err
		}
	}
	if f.record != "" && f.trace != "" && sameFile(f.record, f.trace) {
		return usagef("--record and --trace name one file: give each its own")
	}
	s := foreground{app: a, flags: f, src: src}
	if s.params, err = parseParams(f.params, src.Graph.ReadParam); err != nil {
		return err
	}
	if s.state, err = parseSets(f.sets); err != nil {
		return err
	}
	if f.replay != "" {
		played, err := a.openReplay(f.replay, src.Graph)
		if err != nil {
			return err
		}
		s.tap = played
	}
	result, err := s.run(ctx)
	if err != nil {
		return err
	}
	return a.finish(result, s.flags, ctx.Err() != nil)
}

// finalJSON is what `run -o json` prints at the end.
type finalJSON struct {
	Stack    string         `json:"stack"`
	Graph    string         `json:"graph"`
	Status   journal.Status `json:"status"`
	Reason   string         `json:"reason"`
	Cycles   uint64         `json:"cycles"`
	Waves    uint64         `json:"waves"`
	NodeRuns uint64         `json:"node_runs"`
	Failures uint64         `json:"failures"`
	Tokens   int64          `json:"tokens"`
	Cost     float64        `json:"cost"`
	State    rawJSON        `json:"state"`
	Ended    bool           `json:"ended,omitempty"` // it had ended before: nothing has run
}

// finish prints the result and chooses the exit code.
func (a *app) finish(r runtime.Result, f runFlags, interrupted bool) error {
	if f.ended && !a.json() {
		a.notef("graphrun: the stack %q had ended before, so nothing runs: `%s` continues it, --stack NAME begins another one\n", r.Stack, a.itself().retry(r.Stack))
	}
	if err := a.printResult(r, f); err != nil {
		return err
	}
	switch {
	case r.Status == journal.Failed || r.Status == journal.Cancelled:
		return &exitError{code: exitWorkFailed}
	case r.Status.Ended():
		return nil
	case interrupted && f.retry != nil:
		return &exitError{exitInterrupted, fmt.Errorf("interrupted; the stack %q is in %s and continues with `graphrun serve`, or with `graphrun run FILE --stack %s`", r.Stack, a.db, r.Stack)}
	case interrupted:
		return &exitError{exitInterrupted, fmt.Errorf("interrupted; the stack %q is in %s and continues with the same command", r.Stack, a.db)}
	}
	return nil
}

// printResult writes the final object, or a line for people; where standard
// output holds the trace, that line is not data and stays out of it.
func (a *app) printResult(r runtime.Result, f runFlags) error {
	if a.json() {
		return a.printJSON(finalJSON{r.Stack, r.Graph, r.Status, r.Reason,
			r.Cycles, r.Waves, r.NodeRuns, r.Failures, r.Tokens, r.Cost, rawJSON{r.State}, f.ended})
	}
	say := a.printf
	if f.trace == "-" {
		say = a.notef
	}
	line := fmt.Sprintf("%s: %s after %s (%s, %s, %s)", r.Stack, r.Status, plural(r.Cycles, "cycle"),
		plural(r.Waves, "wave"), plural(r.NodeRuns, "node run"), plural(r.Failures, "failure"))
	line += spent(r.Tokens, r.Cost)
	if r.Reason != "" {
		line += ": " + oneLine(r.Reason)
	}
	say("%s\n", line)
	return nil
}
