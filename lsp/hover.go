package lsp

import (
	"strings"

	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/nodes"
)

// hover says what stands at a place.
func (s *session) hover(d *document, p placeParams) (any, error) {
	info, ok := s.study(d).At(d.place(p.Position))
	if !ok {
		return nil, nil
	}
	return hover{markup{"markdown", s.describe(d, info)}, d.span(info.At)}, nil
}

// describe writes what stands at a place as Markdown.
func (s *session) describe(_ *document, info dsl.Info) string {
	var b strings.Builder
	b.WriteString(info.What + " " + code(info.Name))
	if info.Type != nil {
		b.WriteString(": " + code(info.Type.String()))
		if all := nodes.SpellType(info.Type); all != info.Type.String() {
			b.WriteString("\n\n" + fenced(all))
		}
	}
	if info.Code != "" {
		b.WriteString("\n\n" + fenced(info.Code))
	}
	if info.Doc != "" {
		b.WriteString("\n\n" + info.Doc)
	}
	return b.String()
}

// code is a text as code within a line of Markdown, whatever is in it.
func code(s string) string {
	ticks := "`"
	for strings.Contains(s, ticks) {
		ticks += "`"
	}
	if ticks != "`" {
		s = " " + s + " "
	}
	return ticks + s + ticks
}

// fenced is a text as a block of code.
func fenced(s string) string {
	fence := "```"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	return fence + "\n" + s + "\n" + fence
}
