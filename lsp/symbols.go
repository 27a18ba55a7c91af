package lsp

import "github.com/graphrun/graphrun/dsl"

// symbols is the outline of a text.
func (s *session) symbols(d *document, _ placeParams) (any, error) {
	sections := s.study(d).Outline()
	if s.client.Capabilities.Text.Symbols.Tree {
		return d.symbols(sections), nil
	}
	flat := []symbolInformation{}
	for _, section := range sections {
		flat = append(flat, symbolInformation{section.Name, symbolNamespace, location{d.uri, d.span(section.At)}, ""})
		for _, part := range section.Parts {
			flat = append(flat, symbolInformation{part.Name, symbolKind(part.Section), location{d.uri, d.span(part.At)}, section.Name})
		}
	}
	return flat, nil
}

func (d *document) symbols(all []dsl.Symbol) []documentSymbol {
	out := make([]documentSymbol, len(all))
	for i, s := range all {
		out[i] = documentSymbol{Name: s.Name, Detail: s.Detail, Kind: symbolKind(s.Section), Range: d.span(s.At), Selection: d.span(s.NameAt)}
		if len(s.Parts) > 0 {
			out[i].Children = d.symbols(s.Parts)
		}
	}
	return out
}

// The protocol's kinds of symbols.
const (
	symbolModule    = 2
	symbolNamespace = 3
	symbolClass     = 5
	symbolProperty  = 7
	symbolInterface = 11
	symbolFunction  = 12
	symbolVariable  = 13
	symbolConstant  = 14
	symbolKey       = 20
	symbolStruct    = 23
	symbolEvent     = 24
	symbolOperator  = 25
)

// symbolKind chooses the picture beside an entry of a section.
func symbolKind(section string) int {
	switch section {
	case "":
		return symbolNamespace
	case "nodes":
		return symbolClass
	case "edges":
		return symbolOperator
	case "state":
		return symbolVariable
	case "params":
		return symbolConstant
	case "types":
		return symbolStruct
	case "define":
		return symbolProperty
	case "events":
		return symbolEvent
	case "tools":
		return symbolFunction
	case "servers", "providers":
		return symbolInterface
	case "memories", "pools":
		return symbolModule
	}
	return symbolKey
}
