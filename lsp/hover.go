package lsp

import (
	"fmt"
	"strings"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes"
)

// hover says what stands at a place.
func (s *session) hover(d *document, p placeParams) (any, error) {
	info, ok := s.study(d).At(d.place(p.Position))
	if !ok {
		return nil, nil
	}
	return hover{markup{"markdown", describe(info) + s.lastRun(d, info)}, d.span(info.At)}, nil
}

// describe writes what stands at a place as Markdown.
func describe(info dsl.Info) string {
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

// lastRun is what became of a key or a node in the last run; "" when nobody knows.
func (s *session) lastRun(d *document, info dsl.Info) string {
	if s.LastRun == nil || info.What != graph.NameOfKey && info.What != graph.NameOfNode {
		return ""
	}
	ask := RunOf{File: d.file, Graph: s.study(d).Def.Name.Value}
	if info.What == graph.NameOfNode {
		ask.Node = info.Name
	}
	run := s.LastRun(s.ctx, ask)
	if run == nil {
		return ""
	}
	said := run.Node
	if ask.Node == "" {
		v, ok := run.State[info.Name]
		if !ok {
			return ""
		}
		said = code(diag.Shorten(diag.Clean(value.String(v)), maxValue))
	}
	if said == "" {
		return ""
	}
	return fmt.Sprintf("\n\n---\n%s, cycle %d (%s): %s", code(run.Stack), run.Cycle, run.Status, said)
}

// maxValue is how many bytes of a value are shown.
const maxValue = 1000

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
