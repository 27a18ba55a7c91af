package cli

import (
	"bytes"
	"cmp"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/runtime/api"
)

func sendCommand(a *app) *cobra.Command {
	var id string
	cmd := &cobra.Command{
		Use:   "send STACK EVENT [JSON|-]",
		Short: "Send an event to a stack",
		Args:  arguments(2, 3, "STACK EVENT [JSON|-]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			r := api.EventRequest{Event: args[1], ID: id}
			var err error
			if r.Payload, err = a.payload(args[2:]); err != nil {
				return err
			}
			return a.through(cmd.Context(), func(c *api.Client) error {
				reply, err := c.Send(cmd.Context(), args[0], r)
				if err != nil {
					return known(cmd.Context(), c, args[0], err)
				}
				if a.json() {
					return a.printJSON(reply)
				}
				a.printf("%s: %s\n", reply.Stack, sent(reply))
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&id, "id", "", "the event's own `ID`: one that was sent before is not sent again")
	return cmd
}

func sent(r api.EventReply) string {
	if r.Duplicate {
		return fmt.Sprintf("%s was sent before", r.Event)
	}
	return r.Event + " sent"
}

// payload reads the JSON argument, or standard input for -.
func (a *app) payload(args []string) (v api.Value, err error) {
	if len(args) == 0 {
		return v, nil
	}
	raw := []byte(args[0])
	if args[0] == "-" {
		if raw, err = io.ReadAll(io.LimitReader(a.in, maxInput+1)); err != nil {
			return v, usagef("cannot read the payload: %v", err)
		}
		if len(raw) > maxInput {
			return v, usagef("the payload is larger than %d MiB", maxInput>>20)
		}
		raw = bytes.TrimPrefix(raw, byteOrderMark)
	}
	if v.V, err = value.Decode(raw); err != nil {
		return v, usagef("the payload is not JSON: %v (a text needs quotes: '\"…\"')", err)
	}
	return v, nil
}

func answerCommands(a *app) []*cobra.Command {
	return []*cobra.Command{
		answerCommand(a, "approve", "Approve what a node of a stack waits for", true),
		answerCommand(a, "reject", "Reject what a node of a stack waits for", false),
	}
}

func answerCommand(a *app, name, short string, approved bool) *cobra.Command {
	r := api.AnswerRequest{Approved: &approved}
	var comment, by, with string
	cmd := &cobra.Command{
		Use:   name + " STACK NODE|NODE[KEY]|NODE/INNER",
		Short: short,
		Args:  arguments(2, 2, "STACK NODE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			place, err := readPlace(args[1], r.Item)
			if err != nil {
				return err
			}
			r.Node, r.Item = place.String(), ""
			by = cmp.Or(by, api.SystemUser())
			r.Comment, r.By = orNull(comment), &by
			if cmd.Flags().Changed("value") {
				v, err := a.payload([]string{with})
				if err != nil {
					return err
				}
				r.Value = &v
			}
			return a.through(cmd.Context(), func(c *api.Client) error {
				if err := c.Answer(cmd.Context(), args[0], r); err != nil {
					return known(cmd.Context(), c, args[0], err)
				}
				done := map[bool]string{true: "approved", false: "rejected"}[approved]
				if a.json() {
					return a.printJSON(answeredJSON{toldAt(args[0], place, done), r.Call})
				}
				what := placeName(place)
				if r.Call != "" {
					what += " " + r.Call
				}
				a.printf("%s: %s %s\n", args[0], what, done)
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&r.Call, "call", "", "`ID` of the call of an agent's tool, as status shows it (default: the one that waits)")
	cmd.Flags().StringVar(&r.Item, "item", "", "`KEY` of the element, under for_each")
	cmd.Flags().StringVar(&r.For, "for", "", "`ID` of the question, as status shows it (default: the one that is open)")
	cmd.Flags().StringVar(&comment, "comment", "", "`TEXT` that the graph may read as output.comment")
	cmd.Flags().StringVar(&with, "value", "", "`JSON` that the graph may read as output.value, or what a call is made with in place of the model's arguments; - reads it from standard input")
	cmd.Flags().StringVar(&by, "by", "", "`NAME` of the person who decides (default: the user's)")
	return cmd
}

// answeredJSON is what the commands that answer print.
type answeredJSON struct {
	toldJSON
	Call string `json:"call,omitempty"`
}

// readPlace reads a place that was written by hand; item is the key of an element that
// was given beside it.
func readPlace(text, item string) (journal.Place, error) {
	p, err := journal.ParsePlace(text)
	if err != nil {
		return nil, usagef("%v", err)
	}
	last := &p[len(p)-1]
	if last.Item != "" && item != "" && last.Item != item {
		return nil, usagef("--item %q and %s are two elements: give one of them", item, text)
	}
	last.Item = cmp.Or(last.Item, item)
	return p, nil
}

// orNull is a text that is null in the graph when there is none.
func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
