package trial

import (
	"strings"

	"github.com/graphrun/graphrun/graph/cond"
)

// Because says in lines why a condition came out as it did: its parts, and the values that
// they read.
func Because(p *cond.Part) string {
	var b strings.Builder
	because(&b, p, "")
	return b.String()
}

func because(b *strings.Builder, p *cond.Part, indent string) {
	mark := "✗ "
	switch {
	case !p.Evaluated:
		mark = "- "
	case p.Err == nil && p.Value == true:
		mark = "✓ "
	}
	b.WriteString(indent + mark + p.Text)
	inner := p.Op == "&&" || p.Op == "||" || p.Op == "not" || p.Op == "define" || p.Op == "??" || p.Op == "?:"
	if !inner {
		for _, r := range reads(p, nil) {
			b.WriteString("   " + r.Path + " = " + shown(r.Value))
		}
	}
	if p.Err != nil {
		b.WriteString("   " + p.Err.Message)
	}
	b.WriteString("\n")
	for i := range p.Parts {
		if inner {
			because(b, &p.Parts[i], indent+"  ")
		}
	}
}

// reads are all values that a part and its parts read, each once.
func reads(p *cond.Part, all []cond.Read) []cond.Read {
	for _, r := range p.Reads {
		known := r.Path == p.Text && p.Op != "value"
		for _, one := range all {
			known = known || one.Path == r.Path
		}
		if !known && p.Evaluated {
			all = append(all, r)
		}
	}
	for i := range p.Parts {
		all = reads(&p.Parts[i], all)
	}
	return all
}
