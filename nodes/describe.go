package nodes

import (
	"strings"

	"github.com/graphrun/graphrun/graph/schema"
)

// describeType spells out a type for the reference: the short spelling, with
// the properties of an object.
func describeType(t *schema.Type) string { return "`" + SpellType(t) + "`" }

// SpellType writes a type in its short spelling, with the properties of objects a few levels
// deep.
func SpellType(t *schema.Type) string { return spell(t, 0) }

// spellDepth bounds what is spelled out: types may hold themselves.
const spellDepth = 4

func spell(t *schema.Type, depth int) string {
	null := ""
	if t.Nullable && t.Kind != schema.Any && t.Kind != schema.Null {
		null = "?"
	}
	switch {
	case depth == spellDepth:
		return t.String()
	case t.Kind == schema.List:
		return "list(" + spell(t.Elem, depth+1) + ")" + null
	case t.Kind == schema.Object && len(t.Props) > 0:
		var props []string
		for _, p := range t.Props {
			name := p.Name
			if !p.Required {
				name += "?"
			}
			props = append(props, name+": "+spell(p.Type, depth+1))
		}
		return "{" + strings.Join(props, ", ") + "}" + null
	}
	return t.String()
}
