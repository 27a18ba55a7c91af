package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
)

// verb is a command that tells stacks one thing.
type verb struct {
	name, short string
	done        string // what is said of a stack afterwards
	tell        func(c *api.Client, ctx context.Context, stack string) error
}

// verbs are the commands without flags of their own.
var verbs = []verb{
	{"pause", "Start no new wave of a stack until it is resumed", "paused", (*api.Client).Pause},
	{"resume", "Continue a stack that was paused", "resumed", (*api.Client).Resume},
	{"stop", "End a stack when its open wave is committed", "stopped", (*api.Client).Stop},
	{"rm", "Delete a stack that has ended, and its history", "removed", (*api.Client).Remove},
	{"wake", "End a stack's pause between two cycles at once", "woken", (*api.Client).Wake},
}

func verbCommands(a *app) []*cobra.Command {
	var all []*cobra.Command
	for _, v := range verbs {
		all = append(all, &cobra.Command{
			Use: v.name + " STACK...", Short: v.short,
			Args: arguments(1, -1, "one STACK or more"),
			RunE: func(cmd *cobra.Command, stacks []string) error {
				return a.tellAll(cmd.Context(), stacks, toldJSON{Told: api.Told{Done: v.done}}, v.tell)
			},
		})
	}
	return all
}

func cancelCommand(a *app) *cobra.Command {
	var r api.CancelRequest
	cmd := &cobra.Command{
		Use:   "cancel STACK...",
		Short: "End a stack as cancelled, or one of its tasks",
		Args:  arguments(1, -1, "one STACK or more"),
		RunE: func(cmd *cobra.Command, stacks []string) error {
			switch {
			case r.Item != "" && r.Node == "":
				return usagef("--item %q: give --node too", r.Item)
			case r.Node != "" && r.Reason != "":
				return usagef("--reason is for a whole stack, --node for one of its tasks: give one of them")
			}
			told := toldJSON{Told: api.Told{Done: "cancelled"}}
			if r.Node != "" {
				place, err := readPlace(r.Node, r.Item)
				if err != nil {
					return err
				}
				r.Node, r.Item, told = place.String(), "", toldAt("", place, told.Done)
			}
			return a.tellAll(cmd.Context(), stacks, told, func(c *api.Client, ctx context.Context, stack string) error {
				return c.Cancel(ctx, stack, r)
			})
		},
	}
	cmd.Flags().StringVar(&r.Reason, "reason", "", "`TEXT` that the stack keeps as the reason of its end")
	cmd.Flags().StringVar(&r.Node, "node", "", "only the task of this `NODE`, NODE[KEY] or NODE/INNER")
	cmd.Flags().StringVar(&r.Item, "item", "", "only that of this element, by its `KEY`, under for_each")
	return cmd
}

// toldJSON is what the control commands print for each stack: what was done to
// it, or to a node or a task of it.
type toldJSON struct {
	api.Told
	place journal.Place // of a node or a task
}

// toldAt is what was done to a node or a task.
func toldAt(stack string, p journal.Place, done string) toldJSON {
	last := p[len(p)-1]
	t := toldJSON{api.Told{Stack: stack, Node: last.Node, Item: last.Item, Done: done}, p}
	if len(p) > 1 {
		t.Path = p.String()
	}
	return t
}

func (t toldJSON) String() string {
	if t.Node == "" {
		return t.Stack + ": " + t.Done
	}
	return t.Stack + ": " + placeName(t.place) + " " + t.Done
}

// tellAll sends a command to several stacks, one after the other, until one refuses it.
// When one of them does not exist, none gets the command.
func (a *app) tellAll(ctx context.Context, stacks []string, told toldJSON, tell func(*api.Client, context.Context, string) error) error {
	return a.through(ctx, func(c *api.Client) error {
		for i := 0; len(stacks) > 1 && i < len(stacks); i++ {
			if _, err := c.Store().Stack(ctx, stacks[i]); errors.Is(err, runtime.ErrNotFound) {
				return unknownStack(ctx, c.Store(), stacks[i])
			}
		}
		for _, stack := range stacks {
			if err := tell(c, ctx, stack); err != nil {
				return known(ctx, c, stack, err)
			}
			told.Stack = stack
			if a.json() {
				if err := a.printJSON(told); err != nil {
					return err
				}
				continue
			}
			a.printf("%s\n", told)
		}
		return nil
	})
}

// known says which stacks there are when one is not.
func known(ctx context.Context, c *api.Client, stack string, err error) error {
	if !errors.Is(err, runtime.ErrNotFound) {
		return err
	}
	return unknownStack(ctx, c.Store(), stack)
}
