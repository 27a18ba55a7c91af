package nodes

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/graphrun/graphrun/graph"
)

// Markdown is the reference of a registry's kinds: the page docs/kinds.md, and
// what a program can print of its own kinds.
func Markdown(r *Registry) []byte {
	var b bytes.Buffer
	b.WriteString("# Kinds of nodes\n\n")
	b.WriteString("What a node may name in `uses`, what its `with` may hold, and what its `output` is.\n" +
		"A string in `with` may hold `${{ expression }}`, unless its field is marked *fixed*.\n")
	for _, name := range r.Names() {
		s, _ := r.Spec(name)
		writeKind(&b, s.Kind)
	}
	return b.Bytes()
}

func writeKind(b *bytes.Buffer, k graph.Kind) {
	fmt.Fprintf(b, "\n## %s\n", k.Name)
	if k.Missing {
		fmt.Fprintf(b, "\n*`graphrun` runs it. A Go program can run it when it registers the kind of package `nodes/%s`.*\n", k.Name)
	}
	if k.Doc != "" {
		fmt.Fprintf(b, "\n%s\n", k.Doc)
	}
	if len(k.Fields) > 0 {
		b.WriteString("\n| field | type | |\n| --- | --- | --- |\n")
		for _, f := range k.Fields {
			fmt.Fprintf(b, "| `%s` | `%s`%s | %s |\n", f.Name, cell(f.Type), marks(f), cell(f.Doc))
		}
	}
	if k.Open {
		b.WriteString("\nAny field may be written in `with`.\n")
	}
	for _, line := range manners(k) {
		fmt.Fprintf(b, "\n%s\n", line)
	}
}

// marks are the words beside a field's type.
func marks(f graph.Field) string {
	var m string
	if f.Required {
		m += ", required"
	}
	if f.Literal {
		m += ", *fixed*"
	}
	return m
}

// manners says how the engine treats a kind, where that is out of the ordinary.
func manners(k graph.Kind) []string {
	var lines []string
	if k.Output != nil && !k.Inline {
		if t := k.Output(graph.Config{}); t != nil {
			lines = append(lines, "Output: "+describeType(t)+".")
		}
	}
	if k.NoDefaults {
		lines = append(lines, "`defaults.timeout` and `defaults.retry` do not apply.")
	}
	return lines
}

// cell keeps text inside one cell of a table.
func cell(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "|", `\|`), "\n", " ")
}
