package lsp

import (
	"maps"
	"slices"
	"strings"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/dsl/testfile"
)

// changed notes that the problems of a text have to be published, and those of the texts that
// name its file: to them it counts in place of what the file holds.
func (s *session) changed(of *document) {
	s.check(of)
	for _, uri := range slices.Sorted(maps.Keys(s.open)) {
		d := s.open[uri]
		if _, named := d.names[of.file]; named && d != of {
			d.set(d.text) // what is known of it no longer counts
			s.check(d)
		}
	}
}

func (s *session) check(d *document) {
	if !slices.Contains(s.due, d.uri) {
		s.due = append(s.due, d.uri)
	}
}

// known is what a study of a text may use: it may run beside the session.
func (s *session) known(d *document) dsl.Known {
	k := dsl.Known{Former: d.last, Open: make(map[string]string, len(s.open))}
	for _, other := range s.open {
		if other != d {
			k.Open[other.file] = other.text
		}
	}
	return k
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
		file, text, known := d.file, []byte(d.text), s.known(d)
		go func() {
			s.examine(&c, file, text, known)
			s.checks <- c
		}()
	}
}

// examine finds the problems of a text as `validate` does.
func (s *session) examine(c *checked, file string, text []byte, known dsl.Known) {
	defer s.survive("checking "+file, &c.err)
	if testfile.Is(text) {
		src, found := testfile.CheckText(file, text, s.Kinds, known.Open)
		c.found, c.texts = found, src.Files
		return
	}
	if strings.HasSuffix(file, ".test.yaml") {
		return // the tests of something else
	}
	if c.study == nil {
		c.study = dsl.Examine(file, text, s.Kinds, known)
	}
	c.found, c.texts = c.study.Problems, c.study.Files
}

// endCheck publishes what a check found, unless the text has changed since.
func (s *session) endCheck(c checked) error {
	s.running = nil
	if s.open[c.of.uri] != c.of || c.err != nil {
		return nil
	}
	c.of.names = c.texts
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
			if s.isOpen(file) {
				continue // it shows its own
			}
			shown, version = newDocument(uriOf(file), 0, string(texts[file])), nil
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

// isOpen reports whether the editor has a file open, however it writes its URI.
func (s *session) isOpen(file string) bool {
	for _, d := range s.open { // in any order: one is enough
		if d.file == file {
			return true
		}
	}
	return false
}

// study is what is known of a text as it is now. It waits for a check of it that is under way.
func (s *session) study(d *document) *dsl.Study {
	for d.study == nil && s.running == d {
		if err := s.endCheck(<-s.checks); err != nil {
			s.logf("%v", err) // the next message that is written meets it too
		}
	}
	if d.study == nil {
		d.study = dsl.Examine(d.file, []byte(d.text), s.Kinds, s.known(d))
		d.last, d.names = d.study, d.study.Files
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
	s.changed(d)
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
