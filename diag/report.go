package diag

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// Report is the JSON form of a list, as `validate -o json` prints it.
type Report struct {
	Valid       bool    `json:"valid"`
	Diagnostics []Entry `json:"diagnostics"`
}

// Entry is one problem of a Report. Columns are 1-based and count characters;
// EndColumn is exclusive and on Line. Line and columns are 0 if the place is
// not known.
type Entry struct {
	File      string `json:"file"`
	Line      int    `json:"line"`
	Column    int    `json:"column"`
	EndColumn int    `json:"end_column"`
	Severity  string `json:"severity"`
	Code      Code   `json:"code"`
	Message   string `json:"message"`
	Help      string `json:"help"`
}

// NewReport returns the report of a list. Valid is false if the list has an
// error or, with strict, a warning.
func NewReport(list List, sources map[string][]byte, strict bool) Report {
	r := Report{Valid: !list.HasErrors() && (!strict || len(list) == 0), Diagnostics: []Entry{}}
	lines := map[string][]int{}
	for _, d := range list {
		d = d.bounded()
		e := Entry{File: bound(d.Span.File, maxFile), Line: d.Span.Start.Line, Column: d.Span.Start.Col,
			Severity: d.Severity.String(), Code: d.Code, Message: d.Message, Help: d.Help}
		if !d.Span.IsZero() {
			e.EndColumn = EndColumn(d.Span, lineWidth(d.Span, sources, lines))
		}
		r.Diagnostics = append(r.Diagnostics, e)
	}
	return r
}

// lineWidth returns how many characters the first line of a span has, 0 if its
// source is not there.
func lineWidth(at Span, sources map[string][]byte, lines map[string][]int) int {
	src, ok := sources[at.File]
	if !ok || at.End.Line <= at.Start.Line {
		return 0
	}
	if lines[at.File] == nil {
		lines[at.File] = lineStarts(src)
	}
	starts := lines[at.File]
	if at.Start.Line >= len(starts) {
		return 0
	}
	text := string(src[starts[at.Start.Line-1]:starts[at.Start.Line]])
	return utf8.RuneCountInString(strings.TrimRight(text, "\r\n"))
}

// JSON writes the report of a list as one JSON object, followed by a line break.
func JSON(out io.Writer, list List, sources map[string][]byte, strict bool) error {
	return write(out, NewReport(list, sources, strict))
}

// write writes v as JSON that is safe on a terminal.
func write(out io.Writer, v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := out.Write(CleanJSON(b.Bytes()))
	return err
}

// GitHub writes the problems as annotations of a GitHub workflow run, one
// command per line.
func GitHub(out io.Writer, list List, sources map[string][]byte) error {
	for _, e := range NewReport(list, sources, false).Diagnostics {
		place := "file=" + property(e.File)
		if e.Line > 0 {
			place += fmt.Sprintf(",line=%d,col=%d,endColumn=%d", e.Line, e.Column, e.EndColumn)
		}
		text := e.Message
		if e.Help != "" {
			text += "\nhelp: " + e.Help
		}
		if _, err := fmt.Fprintf(out, "::%s %s,title=%s::%s\n", e.Severity, place, property(string(e.Code)), data(text)); err != nil {
			return err
		}
	}
	return nil
}

// data escapes the text of a GitHub command, so that it cannot end the line
// and begin another command.
func data(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(CleanLines(s))
}

func property(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(CleanLines(s))
}

// The parts of SARIF 2.1.0 that SARIF writes.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool       sarifTool     `json:"tool"`
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version,omitempty"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID     Code        `json:"id"`
		Config sarifConfig `json:"defaultConfiguration"`
	}
	sarifConfig struct {
		Level string `json:"level"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID    Code            `json:"ruleId"`
		RuleIndex int             `json:"ruleIndex"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
	sarifLocation struct {
		Physical sarifPhysical `json:"physicalLocation"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn"`
		EndColumn   int `json:"endColumn"`
	}
)

// SARIF writes the problems as a SARIF 2.1.0 log. version is the version
// of the tool; "" leaves it out.
func SARIF(out io.Writer, list List, sources map[string][]byte, version string) error {
	run := sarifRun{ColumnKind: "unicodeCodePoints", Results: []sarifResult{},
		Tool: sarifTool{sarifDriver{Name: "graphrun", Version: version, Rules: []sarifRule{}}}}
	rules := []Code{}
	for _, e := range NewReport(list, sources, false).Diagnostics {
		at := slices.Index(rules, e.Code)
		if at < 0 {
			at = len(rules)
			rules = append(rules, e.Code)
			run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{e.Code, sarifConfig{e.Code.Severity().String()}})
		}
		text := e.Message
		if e.Help != "" {
			text += "\nhelp: " + e.Help
		}
		place := sarifPhysical{Artifact: sarifArtifact{uri(e.File)}}
		if e.Line > 0 {
			place.Region = &sarifRegion{e.Line, e.Column, e.EndColumn}
		}
		run.Results = append(run.Results, sarifResult{e.Code, at, e.Severity, sarifText{text}, []sarifLocation{{place}}})
	}
	return write(out, sarifLog{Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run}})
}

// uri returns a file's path as a URI reference. Relative paths stay relative.
func uri(path string) string {
	u := url.URL{Path: filepath.ToSlash(path)}
	if filepath.IsAbs(path) {
		u.Scheme = "file"
	}
	return u.String()
}
