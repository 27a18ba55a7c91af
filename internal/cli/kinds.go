package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
)

func kindsCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "kinds [KIND]",
		Short: "List the kinds of nodes, or describe one of them",
		Args:  arguments(0, 1, "at most one KIND"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return a.kinds().Names(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return a.listKinds()
			}
			kinds := a.kinds()
			k, ok := kinds.Kind(args[0])
			switch {
			case !ok:
				return unknownKind(args[0], kinds.Names())
			case a.json():
				return a.printJSON(toKindJSON(k))
			}
			return a.describeKind(k)
		},
	}
}

func unknownKind(name string, names []string) error {
	if help := diag.Suggest(name, names); help != "" {
		return usagef("unknown kind %q, %s", name, help)
	}
	return usagef("unknown kind %q, expected one of %s", name, strings.Join(names, ", "))
}

// kindJSON is what `kinds KIND -o json` prints, and in a list under "kinds"
// what `kinds -o json` prints.
type kindJSON struct {
	Name string      `json:"name"`
	Doc  string      `json:"doc"`
	Runs bool        `json:"runs"` // false if this version checks it only
	With []fieldJSON `json:"with"`
}

type fieldJSON struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Required bool   `json:"required"`
	Doc      string `json:"doc"`
}

func toKindJSON(k graph.Kind) kindJSON {
	out := kindJSON{Name: k.Name, Doc: k.Doc, Runs: !k.Missing, With: []fieldJSON{}}
	for _, f := range k.Fields {
		out.With = append(out.With, fieldJSON{f.Name, f.Type, f.Required, f.Doc})
	}
	return out
}

func (a *app) listKinds() error {
	kinds := a.kinds()
	all := []kindJSON{}
	for _, name := range kinds.Names() {
		k, _ := kinds.Kind(name)
		all = append(all, toKindJSON(k))
	}
	if a.json() {
		return a.printJSON(map[string][]kindJSON{"kinds": all})
	}
	printTable(a.out, func(row func(...any)) {
		for _, k := range all {
			first, _, _ := strings.Cut(k.Doc, ". ")
			first, _, _ = strings.Cut(first, ": ")
			first = strings.TrimSuffix(first, ".")
			if !k.Runs {
				first += " (cannot run yet)"
			}
			row(k.Name, first)
		}
	})
	return nil
}

// describeKind writes a kind as a page of at most pageWidth columns.
func (a *app) describeKind(k graph.Kind) error {
	const pageWidth = 80
	lines := wrap(k.Doc, pageWidth, "")
	if k.Missing {
		lines = append(lines, "", "This version checks it and cannot run it yet.")
	}
	if len(k.Fields) > 0 {
		lines = append(lines, "", "with:")
	}
	for _, f := range k.Fields {
		required := ""
		if f.Required {
			required = ", required"
		}
		lines = append(lines, fmt.Sprintf("  %s (%s%s)", f.Name, f.Type, required))
		lines = append(lines, wrap(f.Doc, pageWidth, "      ")...)
	}
	a.printf("%s\n", strings.Join(lines, "\n"))
	return nil
}
