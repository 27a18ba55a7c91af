package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/render"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/runtime/api"
)

// longestValue is how many characters of a value are shown to people.
const longestValue = 80

func diffCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "diff STACK A B",
		Short: "Show what changed in the state between two points of its history",
		Args:  arguments(3, 3, "STACK A B"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var points [2]journal.Point
			for i, text := range args[1:] {
				p, err := journal.ParsePoint(text)
				if err != nil {
					return usagef("%v", err)
				}
				if text == "" {
					return usagef(`"": expected CYCLE or CYCLE.WAVE`)
				}
				points[i] = p
			}
			return a.through(cmd.Context(), func(c *api.Client) error {
				d, err := inspect.DiffOf(cmd.Context(), c.Store(), a.kinds(), args[0], points[0], points[1])
				if err != nil {
					return known(cmd.Context(), c, args[0], err)
				}
				if a.json() {
					return a.printJSON(d.Operations)
				}
				a.printDiff(d)
				return nil
			})
		},
	}
}

func (a *app) printDiff(d inspect.Diff) {
	a.printf("%s from %s to %s\n", d.Stack, pointText(d.A), pointText(d.B))
	if len(d.Operations) == 0 {
		a.printf("nothing differs\n")
	}
	key := ""
	for i, o := range d.Operations {
		if i == 0 || o.Key != key {
			key = o.Key
			a.printf("%s%s\n", diag.Clean(key), writerText(o))
		}
		place := diag.Clean(o.Place)
		if place != "" {
			place += ": "
		}
		switch o.Op {
		case "add":
			a.printf("  + %s%s\n", place, shortValue(o.Value.Any()))
		case "remove":
			a.printf("  - %s%s\n", place, shortValue(o.Was.Any()))
		default:
			a.printf("  ~ %s%s -> %s\n", place, shortValue(o.Was.Any()), shortValue(o.Value.Any()))
		}
	}
}

// writerText says who wrote a key that differs, after two spaces; "" where nobody knows. A key
// that is there at one of the points alone may have its initial value.
func writerText(o inspect.Operation) string {
	if o.By == nil {
		return ""
	}
	if o.By.Initial {
		return "  initial value"
	}
	whole := o.Place == "" && (o.Value == nil || !render.HasParts(o.Value.Any()))
	text := "  " + render.Writer(o.By, whole)
	if o.By.Node != "" {
		text += fmt.Sprintf(", wave %d", o.By.Wave)
	}
	return text
}

// pointText is a point in words.
func pointText(p journal.Point) string {
	switch {
	case p == journal.Point{Start: true}:
		return "the beginning"
	case p.Start:
		return "the start of cycle " + p.String()[:len(p.String())-len(".0")]
	}
	return "cycle " + journal.Point{Cycle: p.Cycle}.String() + ", wave " + journal.Point{Cycle: p.Wave}.String()
}

// shortValue is a value as JSON, cut where it is long.
func shortValue(v any) string {
	text := []rune(value.String(v))
	if len(text) <= longestValue {
		return string(text)
	}
	return string(text[:longestValue-1]) + "…"
}
