package lsp

import (
	"errors"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/dsl"
)

// definition is where the name at a place is declared.
func (s *session) definition(d *document, p placeParams) (any, error) {
	info, ok := s.study(d).At(d.place(p.Position))
	if !ok || info.Declared.IsZero() {
		return nil, nil
	}
	if info.Declared.File != d.file {
		return location{uriOf(info.Declared.File), textRange{}}, nil
	}
	return location{d.uri, d.span(info.Declared)}, nil
}

// references lists where the name at a place stands.
func (s *session) references(d *document, p placeParams) (any, error) {
	all := []location{}
	study, place := s.study(d), d.place(p.Position)
	info, _ := study.At(place)
	for _, at := range study.Uses(place) {
		if p.Context.Declaration || at != info.Declared {
			all = append(all, location{d.uri, d.span(at)})
		}
	}
	return all, nil
}

func (s *session) highlights(d *document, p placeParams) (any, error) {
	all := []highlight{}
	for _, at := range s.study(d).Uses(d.place(p.Position)) {
		all = append(all, highlight{d.span(at)})
	}
	return all, nil
}

// prepareRename gives what a rename would replace; null where nothing can be renamed.
func (s *session) prepareRename(d *document, p placeParams) (any, error) {
	info, ok := s.study(d).At(d.place(p.Position))
	if !ok || !info.Named {
		return nil, nil
	}
	return struct {
		Range textRange `json:"range"`
		Text  string    `json:"placeholder"`
	}{d.span(info.At), info.Name}, nil
}

func (s *session) rename(d *document, p placeParams) (any, error) {
	edits, err := s.study(d).Rename(d.place(p.Position), p.NewName)
	switch {
	case errors.Is(err, dsl.ErrNoName):
		return nil, nil
	case err != nil:
		return nil, &rpcError{codeRequestFailed, diag.Clean(err.Error())}
	}
	out := workspaceEdit{Changes: map[string][]textEdit{d.uri: {}}}
	for _, e := range edits {
		out.Changes[d.uri] = append(out.Changes[d.uri], textEdit{d.span(e.At), e.Text})
	}
	return out, nil
}
