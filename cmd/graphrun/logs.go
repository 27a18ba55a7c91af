package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/runtime/api"
)

func traceCommand(a *app) *cobra.Command {
	var o api.Read
	cmd := &cobra.Command{
		Use:   "trace STACK",
		Short: "Print every record of a stack as a JSON line",
		Args:  arguments(1, 1, "one STACK"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.through(cmd.Context(), func(c *api.Client) error {
				return a.readRecords(cmd.Context(), c, args[0], o, func(line []byte) error {
					return a.writeJSON(append(line, '\n'))
				})
			})
		},
	}
	readFlags(cmd, &o)
	cmd.Flags().BoolVar(&o.Journal, "journal", false, "also what only the store keeps: outputs of tasks, payloads, the initial state")
	return cmd
}

func logsCommand(a *app) *cobra.Command {
	var o api.Read
	cmd := &cobra.Command{
		Use:   "logs STACK [NODE]",
		Short: "Show a stack's tasks as they began and ended, with their errors",
		Args:  arguments(1, 2, "STACK [NODE]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			node := ""
			if len(args) > 1 {
				node = args[1]
			}
			o.Journal, o.NoBulk = true, true // else records cannot be read back; no line shows an output
			return a.through(cmd.Context(), func(c *api.Client) error {
				if err := a.hadNode(cmd.Context(), c, args[0], node); err != nil {
					return err
				}
				return a.readRecords(cmd.Context(), c, args[0], o, func(line []byte) error { return a.logLine(line, node) })
			})
		},
	}
	readFlags(cmd, &o)
	return cmd
}

func readFlags(cmd *cobra.Command, o *api.Read) {
	cmd.Flags().BoolVarP(&o.Follow, "follow", "f", false, "follow the stack until it has ended")
	cmd.Flags().Uint64Var(&o.From, "from", 1, "begin with the record of this `SEQ`")
}

// readRecords reads a journal. Where nobody drives the stacks there is nothing to
// follow, and a command that waited would keep the store from everybody else.
func (a *app) readRecords(ctx context.Context, c *api.Client, stack string, o api.Read, fn func(line []byte) error) error {
	if o.Follow {
		s, err := c.Server(ctx)
		if err != nil {
			return err
		}
		if s.PID == os.Getpid() {
			a.notef("nobody runs the store %s: there is nothing to follow\n", a.db)
			o.Follow = false
		}
	}
	ended := false
	err := c.Records(ctx, stack, o, func(line []byte) error {
		ended = journal.TypeOf(line) == (*journal.StackFinished)(nil).Type()
		return fn(line)
	})
	if o.Follow && ctx.Err() != nil {
		return &exitError{code: exitInterrupted} // the usual end, which needs no words
	}
	if o.Follow && err == nil && !ended {
		if _, err := c.Server(ctx); err != nil { // else the stack had ended before
			a.notef("graphrun: the process that owns the store %s has ended before stack %q\n", a.db, stack)
		}
	}
	return known(ctx, c, stack, err)
}

// hadNode says which nodes there are when one is neither in the stack's graph nor
// in its history, which may be longer than the graph's text has been the same.
func (a *app) hadNode(ctx context.Context, c *api.Client, stack, node string) error {
	if node == "" {
		return nil
	}
	sum, err := c.Store().Stack(ctx, stack)
	if err != nil {
		return known(ctx, c, stack, err)
	}
	g, err := inspect.Definition(ctx, c.Store(), a.kinds(), sum.Cursor.Hash)
	if err != nil {
		return err
	}
	if _, ok := g.NodeByID(node); ok {
		return nil
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
	return err
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

// logLine prints what a record tells of a task, "" of the node being all nodes.
func (a *app) logLine(line []byte, node string) error {
	r, err := journal.ParseRecord(line)
	if err != nil {
		return err
	}
	var text string
	switch b := r.Body.(type) {
	case *journal.TaskStarted:
		if node != "" && node != b.Node {
			return nil
		}
		text = fmt.Sprintf("%s started", taskName(b.Node, b.Item))
		if b.Attempt > 1 {
			text += fmt.Sprintf(" (attempt %d)", b.Attempt)
		}
	case *journal.TaskStep:
		if node != "" && node != b.Node {
			return nil
		}
		text = fmt.Sprintf("%s %s", taskName(b.Node, b.Item), stepped(b))
	case *journal.TaskFinished:
		if node != "" && node != b.Node {
			return nil
		}
		text = fmt.Sprintf("%s %s", taskName(b.Node, b.Item), finished(b, r.Time))
	default:
		return nil
	}
	if a.json() {
		return a.writeJSON(append(journal.AppendRecord(nil, r, false), '\n'))
	}
	a.printf("%s  cycle %d  %s\n", r.Time.Format(time.RFC3339), r.Cycle, text)
	return nil
}
