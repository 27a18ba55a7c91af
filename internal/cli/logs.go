package cli

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/runtime/api"
)

func traceCommand(a *app) *cobra.Command {
	var o api.Read
	children := false
	cmd := &cobra.Command{
		Use:   "trace STACK",
		Short: "Print every record of a stack as a JSON line",
		Args:  arguments(1, 1, "one STACK"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.Journal && o.From == 0 { // what a fork is decided again from is there too
				o.From = 1
			}
			return a.through(cmd.Context(), func(c *api.Client) error {
				if children {
					return a.traceAll(cmd.Context(), c, args[0], o)
				}
				print := func(line []byte) error { return a.writeJSON(append(line, '\n')) }
				if o.Journal {
					print = a.journalLines(cmd.Context(), c)
				}
				return a.readRecords(cmd.Context(), c, args[0], o, print, nil)
			})
		},
	}
	readFlags(cmd, &o)
	cmd.Flags().BoolVar(&o.Journal, "journal", false, "also what only the store keeps: outputs of tasks, payloads, the initial state; and the definitions, for \"replay --journal\"")
	cmd.Flags().BoolVar(&children, "children", false, "also those of the stacks that do the work of its nodes, by time, with their path")
	return cmd
}

func logsCommand(a *app) *cobra.Command {
	var o api.Read
	cmd := &cobra.Command{
		Use:   "logs STACK [NODE|NODE[KEY]|NODE/INNER]",
		Short: "Show a stack's tasks as they began and ended, and what agents said",
		Args:  arguments(1, 2, "STACK [NODE]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var place journal.Place
			if len(args) > 1 {
				var err error
				if place, err = readPlace(args[1], ""); err != nil {
					return err
				}
			}
			return a.through(cmd.Context(), func(c *api.Client) error { return a.showLogAt(cmd.Context(), c, args[0], place, o) })
		},
	}
	readFlags(cmd, &o)
	return cmd
}

func readFlags(cmd *cobra.Command, o *api.Read) {
	cmd.Flags().BoolVarP(&o.Follow, "follow", "f", false, "follow the stack until it has ended")
	cmd.Flags().Uint64Var(&o.From, "from", 0, "begin with the record of this `SEQ` (default: the first)")
}

// readRecords reads a journal. Where nobody drives the stacks there is nothing to
// follow, and a command that waited would keep the store from everybody else.
// said, if it is not nil, is called with what models say meanwhile.
func (a *app) readRecords(ctx context.Context, c *api.Client, stack string, o api.Read, fn func(line []byte) error, said func(api.Delta)) error {
	if o.Follow && a.inFile() {
		s, err := c.Server(ctx)
		if err != nil {
			return err
		}
		if s.PID == os.Getpid() {
			a.notef("nobody runs the store %s: there is nothing to follow\n", diag.Clean(a.db))
			o.Follow = false
		}
	}
	ended := false
	record := func(line []byte) error {
		ended = journal.TypeOf(line) == (*journal.StackFinished)(nil).Type()
		return fn(line)
	}
	var err error
	if o.Follow && said != nil {
		err = c.Follow(ctx, stack, o, record, func(d api.Delta) error { said(d); return nil })
	} else {
		err = c.Records(ctx, stack, o, record)
	}
	if o.Follow && ctx.Err() != nil {
		return &exitError{code: exitInterrupted} // the usual end, which needs no words
	}
	if o.Follow && err == nil && !ended && a.inFile() {
		// A server that is on its way out may still answer. What the stack is, decides: one
		// that had ended before it was followed has no more records either.
		if st, err := c.Status(ctx, stack); err != nil || !st.Status.Ended() {
			a.notef("graphrun: the process that owns the store %s has ended before stack %q\n", diag.Clean(a.db), stack)
		}
	}
	return known(ctx, c, stack, err)
}

// logged is what a log is about.
type logged struct {
	top   string        // the stack that was asked about
	at    journal.Place // of the node within it whose stack has the records; empty for its own
	stack string        // that has them
	spot  journal.Spot  // the only node or element; zero for all
}

// showLog prints what the records of a stack say of its tasks, or of those of one node:
// of that, with all that an agent's models and tools said.
func (a *app) showLog(ctx context.Context, c *api.Client, of logged, o api.Read) error {
	node := of.spot.Node
	g, err := a.hadNode(ctx, c, of.stack, node)
	if err != nil {
		return err
	}
	within, err := a.hasWithin(ctx, c, of.stack, g, node)
	if err != nil {
		return err
	}
	if within {
		return a.showLogs(ctx, c, of, o)
	}
	t := newTeller(a.itself(), of.top, node, g)
	t.at, t.item = of.at, of.spot.Item
	// Without the journal's form records cannot be read back. Bulk is what is said.
	agent := isAgent(g, node)
	o.Journal, o.NoBulk = true, !agent
	if agent && !a.json() {
		want := journal.Want{Types: []string{(*journal.TaskFinished)(nil).Type()}, Bulk: true}
		err := c.Store().Records(ctx, of.stack, want, func(r journal.Record) error { t.firstInput(r); return nil })
		if err != nil {
			return known(ctx, c, of.stack, err)
		}
	}
	if a.json() {
		return a.readRecords(ctx, c, of.stack, o, func(line []byte) error {
			r, err := journal.ParseRecord(line)
			if err != nil {
				return err
			}
			return a.logJSON(r, t, len(of.at) > 0)
		}, nil)
	}
	says := newSayings(a, node)
	says.at, says.item = of.at, of.spot.Item
	defer says.close()
	return a.readRecords(ctx, c, of.stack, o, func(line []byte) error {
		r, err := journal.ParseRecord(line)
		if err != nil {
			return err
		}
		says.record(r)
		if text := t.record(r); text != "" {
			says.log(a.logTime(r.Time, r.Cycle) + text + "\n")
		}
		return nil
	}, says.delta)
}

// logJSON prints the records of tasks; of one node, with what only the journal has of
// steps and of words.
func (a *app) logJSON(r journal.Record, t *teller, path bool) error {
	key, ok := r.Task()
	if !ok || !t.wants(key) {
		return nil
	}
	whole := false
	switch b := r.Body.(type) {
	case *journal.TaskStep:
		if b.Mark {
			return nil
		}
		whole = t.node != ""
	case *journal.TaskAnswered:
		whole = t.node != ""
	}
	line := journal.AppendRecord(nil, r, whole)
	if path {
		line = withPath(line, t.at, r)
	}
	return a.writeJSON(append(line, '\n'))
}

// hadNode says which nodes there are when one is neither in the stack's graph, which it
// returns, nor in its history, which may be longer than the graph's text has been the
// same.
func (a *app) hadNode(ctx context.Context, c *api.Client, stack, node string) (*graph.Graph, error) {
	if node == "" {
		return nil, nil
	}
	sum, err := c.Store().Stack(ctx, stack)
	if err != nil {
		return nil, known(ctx, c, stack, err)
	}
	g, err := inspect.Definition(ctx, c.Store(), a.kinds(), sum.Cursor.Hash)
	if err != nil {
		return nil, err
	}
	if _, ok := g.NodeByID(node); ok {
		return g, nil
	}
	there := false
	err = c.Store().Records(ctx, stack, journal.Want{Types: []string{"node.decided"}}, func(r journal.Record) error {
		b, ok := r.Body.(*journal.NodeDecided)
		there = there || ok && b.Node == node
		return nil
	})
	if err == nil && !there {
		err = &machine.UnknownNodeError{Node: node, Known: g.NodeIDs()}
	}
	return g, err
}

// stepped says in words what a step was.
func stepped(b *journal.TaskStep) string {
	text := fmt.Sprintf("step %d: %s", b.Step, b.Name)
	if b.Error != nil {
		text += fmt.Sprintf(" failed with %s: %s", b.Error.Kind, b.Error.Message)
	}
	text += " after " + b.Duration.Round(time.Millisecond).String()
	if b.Tokens > 0 {
		text += fmt.Sprintf(", %d tokens", b.Tokens)
	}
	if b.Cost > 0 {
		text += fmt.Sprintf(", cost %g", b.Cost)
	}
	return text
}
