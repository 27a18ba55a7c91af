package diag

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Severity says whether a diagnostic makes a graph invalid.
type Severity uint8

const (
	Error Severity = iota
	Warning
)

func (s Severity) String() string {
	if s == Warning {
		return "warning"
	}
	return "error"
}

// Diagnostic is one problem.
type Diagnostic struct {
	Code     Code
	Severity Severity // List.Add sets it to Code.Severity
	Span     Span
	Message  string // no full stop; names in double quotes
	Help     string // how to fix it; "" if there is nothing to say
}

// Error makes a single diagnostic usable as an error. The message is
// shortened as in all other formats.
func (d Diagnostic) Error() string {
	d = d.bounded()
	place := d.Span.String()
	if place != "" { // a graph that was built in Go has none
		place += ": "
	}
	return fmt.Sprintf("%s%s: %s [%s]", place, d.Severity, d.Message, d.Code)
}

// List is a list of problems; the zero value is empty and ready for use. It is
// not safe for concurrent use.
type List []Diagnostic

// Add appends a problem with a help line ("" for none). The message and the
// help are shortened to what is shown of them.
func (l *List) Add(code Code, at Span, help, format string, args ...any) {
	d := Diagnostic{Code: code, Severity: code.Severity(), Span: at, Message: fmt.Sprintf(format, args...), Help: help}
	*l = append(*l, d.bounded())
}

// HasErrors reports whether at least one of the problems is an error.
func (l List) HasErrors() bool {
	return slices.ContainsFunc(l, func(d Diagnostic) bool { return d.Severity == Error })
}

// Sort orders by file, place, then code and message, and drops repeats.
func (l *List) Sort() {
	slices.SortStableFunc(*l, func(a, b Diagnostic) int {
		return cmp.Or(cmp.Compare(a.Span.File, b.Span.File),
			cmp.Compare(a.Span.Start.Line, b.Span.Start.Line),
			cmp.Compare(a.Span.Start.Col, b.Span.Start.Col),
			cmp.Compare(a.Code, b.Code), cmp.Compare(a.Message, b.Message))
	})
	*l = slices.Compact(*l)
}

// Err returns the list as an error if one of the problems is an error, else nil.
func (l List) Err() error {
	if !l.HasErrors() {
		return nil
	}
	return l
}

// Error returns the problems, one per line, without source lines.
func (l List) Error() string {
	var b strings.Builder
	for i, d := range l {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(d.Error())
	}
	return b.String()
}
