package dsl

import (
	"fmt"
	"strings"

	"github.com/graphrun/graphrun/graph"
)

// ReferenceMarkdown returns the field reference of the docs: every object of the
// language, and the `with` of every kind. Kinds may be nil.
func ReferenceMarkdown(kinds graph.Kinds) []byte {
	var b strings.Builder
	b.WriteString("# Reference of the fields\n\nThis page is generated from the tables that check a graph. `graphrun schema` prints the same as a JSON Schema.\n\n" +
		"A graph file is YAML 1.2 in UTF-8, at most 16 MiB, nested at most 100 levels deep. Lines end with LF, CR LF or CR. " +
		"Only `true` and `false` are booleans, `010` is ten, and dates are texts. A `#` begins a comment only after a blank. " +
		"Anchors and aliases work for whole values, and merge keys (`<<`) for mappings: what is written in a mapping wins, then what comes first in a list. Tags and several documents are errors.\n")
	done := map[*object]bool{}
	writeObject(&b, graphObject, done)
	if kinds != nil {
		b.WriteString("\n# Kinds\n\nWhat `with` may hold.\n")
		for _, name := range kinds.Names() {
			k, _ := kinds.Kind(name)
			fmt.Fprintf(&b, "\n## `uses: %s`\n\n%s\n", name, k.Doc)
			if k.Missing {
				fmt.Fprintf(&b, "\n`graphrun` runs it. A Go program can run it when it registers the kind of package `nodes/%s`.\n", k.Name)
			}
			if len(k.Fields) > 0 {
				b.WriteString("\n| field | type | | |\n| --- | --- | --- | --- |\n")
				for _, f := range k.Fields {
					fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s |\n", f.Name, cell(f.Type), must(f.Required), cell(f.Doc))
				}
			}
			if k.Open {
				b.WriteString("\nOther fields are allowed.\n")
			}
		}
	}
	return []byte(b.String())
}

func must(required bool) string {
	if required {
		return "required"
	}
	return ""
}

// cell keeps a text from ending its cell.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

// writeObject writes an object's table, then those of the objects in it.
func writeObject(b *strings.Builder, o *object, done map[*object]bool) {
	if done[o] {
		return
	}
	done[o] = true
	fmt.Fprintf(b, "\n## %s\n\n%s: %s\n\n| field | value | default | |\n| --- | --- | --- | --- |\n", o.name, strings.ToUpper(o.at[:1])+o.at[1:], strings.ToLower(o.doc[:1])+o.doc[1:])
	for _, f := range o.fields {
		dflt := f.dflt
		if f.required {
			dflt = "required"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", f.name, cell(f.shape.describe()), cell(dflt), cell(f.doc))
	}
	for _, f := range o.fields {
		for _, inner := range f.shape.objects() {
			writeObject(b, inner, done)
		}
	}
}

// describe is String with the elements of lists and mappings.
func (s *shape) describe() string {
	switch s.kind {
	case list:
		return "list of " + strings.TrimPrefix(strings.TrimPrefix(s.elem.describe(), "an "), "a ")
	case mapping:
		return "mapping of names to " + s.elem.describe()
	case obj:
		return "[" + s.obj.name + "](#" + s.obj.name + ")"
	case duration:
		if len(s.words) > 0 {
			return "a duration or `" + s.words[0] + "`"
		}
	case union:
		var parts []string
		for _, a := range s.alts {
			parts = append(parts, a.describe())
		}
		return orList(parts)
	}
	return strings.ReplaceAll(s.String(), `"`, "`")
}

// objects returns the objects that can be inside a shape.
func (s *shape) objects() []*object {
	switch s.kind {
	case obj:
		return []*object{s.obj}
	case list, mapping:
		return s.elem.objects()
	case union:
		var out []*object
		for _, a := range s.alts {
			out = append(out, a.objects()...)
		}
		return out
	}
	return nil
}
