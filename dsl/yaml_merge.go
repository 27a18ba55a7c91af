package dsl

import (
	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/tree"
)

// The merge key is YAML 1.1: `<<: *a` and `<<: [*a, *b]` add the entries of other
// mappings to this one. What is written here wins, then what comes earlier in the list.

// isMerge reports whether a key is the merge key. In quotes it is a key like others.
func (r *reader) isMerge(e entry) bool {
	return e.key.Kind == tree.String && e.key.Text.Value == "<<" && e.plainKey && !r.broken[e.key]
}

// join adds what a merge key names to the fields of a mapping. own has the lines of the
// keys that are written in it, and gets those that are taken.
func (r *reader) join(out *tree.Node, from *tree.Node, own map[string]int) {
	r.merged = append(r.merged, from)
	sources := []*tree.Node{from}
	if from.Kind == tree.List {
		sources = from.Items
	}
	for _, s := range sources {
		switch {
		case r.broken[s] || r.tooLarge:
		case s.Kind != tree.Map:
			r.diags.Add(diag.WrongType, s.Span, "write an alias of a mapping, as <<: *name, or a list of them", `"<<" takes a mapping, not %s`, kindName(s.Kind))
			r.broken[s] = true
		default:
			for _, f := range s.Fields {
				if _, there := own[f.Key.Value]; !there {
					own[f.Key.Value] = f.Key.Span.Start.Line
					out.Fields = append(out.Fields, f)
				}
			}
		}
	}
}
