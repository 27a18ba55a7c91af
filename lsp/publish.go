package lsp

import (
	"maps"
	"slices"
	"strings"

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

// checked is what a check found.
type checked struct {
	of      *document
	edition int // of the text
	study   *dsl.Study
	found   diag.List
	texts   map[string][]byte
	err     error
}

// beginCheck checks a text that has changed, beside the answers to requests, if no other check
// is under way.
func (s *session) beginCheck() {
	for s.running == nil && len(s.due) > 0 {
		d := s.open[s.due[0]]
		s.due = s.due[1:]
		if d == nil {
			continue
		}
		s.running = d
		c := checked{of: d, edition: d.edition, study: d.study}
		file, text, last := d.file, []byte(d.text), d.last
		go func() {
			s.check(&c, file, text, last)
			s.checks <- c
		}()
	}
}

// check finds the problems of a text as `validate` does. last is a study of the text as it was.
func (s *session) check(c *checked, file string, text []byte, last *dsl.Study) {
	defer s.survive("checking "+file, &c.err)
	if testfile.Is(text) {
		src, found := testfile.CheckText(file, text, s.Kinds)
		c.found, c.texts = found, src.Files
		return
	}
	if strings.HasSuffix(file, ".test.yaml") {
		return // the tests of something else
	}
	if c.study == nil {
		c.study = dsl.Examine(file, text, s.Kinds, last)
	}
	c.found, c.texts = c.study.Problems, c.study.Files
}

// endCheck publishes what a check found, unless the text has changed since.
func (s *session) endCheck(c checked) error {
	s.running = nil
	if s.open[c.of.uri] != c.of || c.err != nil {
		return nil
	}
	if c.study != nil {
		c.of.last = c.study // also of a text that has changed since: most of it is the same
	}
	if c.of.edition != c.edition {
		return nil
	}
	c.of.study = c.study
	return s.publish(c.of, c.found, c.texts)
}

// publish sends the problems of a text, also those that it has in files that it names and
// that are not open themselves.
func (s *session) publish(d *document, found diag.List, texts map[string][]byte) error {
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

// study is what is known of a text as it is now. It waits for a check of it that is under way.
func (s *session) study(d *document) *dsl.Study {
	for d.study == nil && s.running == d {
		if err := s.endCheck(<-s.checks); err != nil {
			s.logf("%v", err) // the next message that is written meets it too
		}
	}
	if d.study == nil {
		d.study = dsl.Examine(d.file, []byte(d.text), s.Kinds, d.last)
		d.last = d.study
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
