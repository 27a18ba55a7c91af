package lsp

import (
	"maps"
	"slices"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/dsl/testfile"
)

// changed notes that the problems of a text have to be published.
func (s *session) changed(uri string) {
	if !slices.Contains(s.due, uri) {
		s.due = append(s.due, uri)
	}
}

// publishDue publishes the problems of all texts that have changed.
func (s *session) publishDue() error {
	for len(s.due) > 0 {
		uri := s.due[0]
		s.due = s.due[1:]
		if d := s.open[uri]; d != nil {
			if err := s.publish(d); err != nil {
				return err
			}
		}
	}
	return nil
}

// publish checks a text as `validate` does, and sends its problems, also those that it has in
// files that it names and that are not open themselves.
func (s *session) publish(d *document) error {
	found, texts := s.check(d)
	by := map[string][]diag.Diagnostic{d.file: nil}
	for file := range s.others[d.uri] {
		by[file] = nil // what it has no problems of any more
	}
	for _, p := range found {
		by[p.Span.File] = append(by[p.Span.File], p)
	}
	others := map[string]bool{}
	for _, file := range slices.Sorted(maps.Keys(by)) {
		shown, version := d, &d.version
		if file != d.file {
			uri := uriOf(file)
			if s.open[uri] != nil {
				continue // it shows its own
			}
			shown, version = newDocument(uri, 0, string(texts[file])), nil
			if len(by[file]) > 0 {
				others[file] = true
			}
		}
		out := publishParams{URI: shown.uri, Version: version, Diagnostics: []diagnostic{}}
		for _, p := range by[file] {
			out.Diagnostics = append(out.Diagnostics, shown.diagnostic(p))
		}
		if err := s.send(notification{"2.0", "textDocument/publishDiagnostics", out}); err != nil {
			return err
		}
	}
	s.others[d.uri] = others
	return nil
}

// check finds the problems of a text, and the texts of the files that it names.
func (s *session) check(d *document) (found diag.List, texts map[string][]byte) {
	var err error
	defer s.survive("checking "+d.file, &err)
	if testfile.Is([]byte(d.text)) {
		src, found := testfile.CheckText(d.file, []byte(d.text), s.Kinds)
		return found, src.Files
	}
	study := s.study(d)
	return study.Problems, study.Files
}

// study is what is known of a text as it is now.
func (s *session) study(d *document) *dsl.Study {
	if d.study == nil {
		d.study = dsl.Examine(d.file, []byte(d.text), s.Kinds)
	}
	return d.study
}

// diagnostic is the editor's form of a problem. What names no place is shown at the
// beginning of the file.
func (d *document) diagnostic(p diag.Diagnostic) diagnostic {
	out := diagnostic{Range: d.span(p.Span), Severity: severityError, Code: string(p.Code), Source: "graphrun", Message: p.Message}
	if p.Severity == diag.Warning {
		out.Severity = severityWarning
	}
	if p.Help != "" {
		out.Message += "\nhelp: " + p.Help
	}
	if p.Code == diag.Unused || p.Code == diag.NeverRead {
		out.Tags = []int{tagUnnecessary}
	}
	return out
}

// closeDocument forgets a text, and takes back the problems that were shown of it.
func (s *session) closeDocument(uri string) error {
	d := s.open[uri]
	if d == nil {
		return nil
	}
	delete(s.open, uri)
	shown := append([]string{uri}, slices.Sorted(maps.Keys(s.others[uri]))...)
	delete(s.others, uri)
	for i, at := range shown {
		if i > 0 {
			at = uriOf(at)
		}
		if err := s.send(notification{"2.0", "textDocument/publishDiagnostics", publishParams{URI: at, Diagnostics: []diagnostic{}}}); err != nil {
			return err
		}
	}
	return nil
}
