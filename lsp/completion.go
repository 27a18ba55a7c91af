package lsp

import (
	"fmt"
	"strings"

	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/dsl/testfile"
	"github.com/graphrun/graphrun/graph"
)

// complete lists what may be written at a place.
func (s *session) complete(d *document, p placeParams) (any, error) {
	out := completionList{Items: []completionItem{}}
	if testfile.Is([]byte(d.text)) {
		return out, nil
	}
	c := dsl.Complete(d.file, []byte(d.text), d.place(p.Position), s.Kinds, s.known(d))
	at := textRange{d.position(c.At.Start), d.position(c.At.End)}
	for i, it := range c.Items {
		out.Items = append(out.Items, s.item(it, i, at))
	}
	return out, nil
}

// item is the editor's form of an item. Editors sort by a text: those that come first are
// before the others, each in the order of the list.
func (s *session) item(it dsl.Item, n int, at textRange) completionItem {
	class := 1
	if it.First {
		class = 0
	}
	out := completionItem{Label: it.Label, Kind: itemKind(it.What), Detail: it.Detail, Sort: fmt.Sprintf("%d%05d", class, n),
		Format: formatPlain, Edit: textEdit{at, it.Insert}}
	if it.Doc != "" {
		out.Doc = &markup{"markdown", it.Doc}
	}
	if it.Insert != it.Label && strings.HasPrefix(strings.Trim(it.Insert, `"'`), it.Label) {
		out.Filter = it.Insert
	}
	if before, after, ok := strings.Cut(it.Insert, "$0"); ok {
		out.Filter = it.Label
		if s.client.Capabilities.Text.Completion.Item.Snippets {
			out.Format, out.Edit.Text = formatSnippet, escapeSnippet(before)+"$0"+escapeSnippet(after)
		} else {
			out.Edit.Text = before + after
		}
	}
	return out
}

// escapeSnippet writes a text so that it is no syntax of snippets.
func escapeSnippet(s string) string {
	return strings.NewReplacer(`\`, `\\`, "$", `\$`, "}", `\}`).Replace(s)
}

// The protocol's kinds of items.
const (
	itemText     = 1
	itemFunction = 3
	itemVariable = 6
	itemClass    = 7
	itemModule   = 9
	itemProperty = 10
	itemValue    = 12
	itemKeyword  = 14
	itemConstant = 21
	itemStruct   = 22
	itemEvent    = 23
)

// itemKind chooses the picture beside an item.
func itemKind(what string) int {
	switch what {
	case "field", "property":
		return itemProperty
	case "value":
		return itemValue
	case graph.NameOfType:
		return itemStruct
	case "function", graph.NameOfTool:
		return itemFunction
	case "variable", graph.NameOfKey, graph.NameOfParam:
		return itemVariable
	case "word":
		return itemKeyword
	case graph.NameOfNode:
		return itemClass
	case graph.NameOfKind:
		return itemModule
	case graph.NameOfDefine, graph.NameOfSecret:
		return itemConstant
	case graph.NameOfEvent:
		return itemEvent
	}
	return itemText
}
