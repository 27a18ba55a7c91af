package trial

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/render"
)

// Report is how the tests of some files came out.
type Report struct {
	Passed   int        `json:"passed"`
	Failed   int        `json:"failed"`
	Tests    []Tested   `json:"tests"`
	Coverage []Coverage `json:"coverage"` // by graph; empty when it was not measured
}

// Tested is how one test came out.
type Tested struct {
	File     string    `json:"file"`
	Name     string    `json:"name"`
	Passed   bool      `json:"passed"`
	Millis   float64   `json:"duration_ms"` // of real time
	Failures []Failing `json:"failures"`
}

// Failing is what did not come as expected, at its place in the file.
type Failing struct {
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"` // of one line or more
}

// Add adds a test that has run.
func (r *Report) Add(file, name string, came Result, millis float64) {
	t := Tested{File: file, Name: name, Passed: came.Passed(), Millis: millis, Failures: []Failing{}}
	for _, f := range came.Failures {
		message := f.Message
		if f.Condition != nil {
			var why strings.Builder
			_ = render.Condition(&why, inspect.PartOf(f.Condition), "") // no write to it fails
			message += "\n" + strings.TrimRight(why.String(), "\n")
		}
		t.Failures = append(t.Failures, Failing{f.At.Start.Line, f.At.Start.Col, message})
	}
	if t.Passed {
		r.Passed++
	} else {
		r.Failed++
	}
	r.Tests = append(r.Tests, t)
}

type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Time     string       `xml:"time,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Time     string      `xml:"time,attr"`
		Cases    []junitCase `xml:"testcase"`
		millis   float64
	}
	junitCase struct {
		Name     string         `xml:"name,attr"`
		Class    string         `xml:"classname,attr"`
		File     string         `xml:"file,attr"`
		Time     string         `xml:"time,attr"`
		Failures []junitFailure `xml:"failure"`
	}
	junitFailure struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",chardata"`
	}
)

// JUnit writes the report as XML of JUnit: a testsuite for each file, a testcase for each
// test.
func (r *Report) JUnit(w io.Writer) error {
	all := junitSuites{Tests: len(r.Tests), Failures: r.Failed}
	total := 0.0
	for i := range r.Tests {
		t := &r.Tests[i]
		if n := len(all.Suites); n == 0 || all.Suites[n-1].Name != t.File {
			all.Suites = append(all.Suites, junitSuite{Name: t.File})
		}
		s := &all.Suites[len(all.Suites)-1]
		c := junitCase{Name: t.Name, Class: t.File, File: t.File, Time: seconds(t.Millis)}
		for _, f := range t.Failures {
			first, _, _ := strings.Cut(f.Message, "\n")
			c.Failures = append(c.Failures, junitFailure{Message: first, Type: "expectation",
				Text: fmt.Sprintf("%s:%d:%d: %s", t.File, f.Line, f.Column, f.Message)})
		}
		s.Cases = append(s.Cases, c)
		s.Tests++
		if !t.Passed {
			s.Failures++
		}
		s.millis += t.Millis
		s.Time = seconds(s.millis)
		total += t.Millis
	}
	all.Time = seconds(total)
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func seconds(millis float64) string { return fmt.Sprintf("%.3f", millis/1000) }
