package cond

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/schema"
)

// The greatest width and precision of a verb of sprintf.
const (
	maxWidth     = 1000
	maxPrecision = 100
)

// verb is one verb of a format with the text before it.
type verb struct {
	before string
	format string // as in %5.2f; "" for the text at the end
	kind   byte
}

// verbs of a format: their letters are those of Go's package fmt, which writes them.
func verbs(format string) (all []verb, wrong string) {
	var before strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			before.WriteByte(format[i])
			continue
		}
		end := i + 1
		for end < len(format) && strings.IndexByte("+-# 0", format[end]) >= 0 {
			end++
		}
		width, end := digits(format, end)
		precision := 0
		if end < len(format) && format[end] == '.' {
			precision, end = digits(format, end+1)
		}
		switch {
		case end == len(format):
			return nil, "a % at the end of the format has no verb: write %% for the sign itself"
		case format[end] == '%' && end == i+1:
			before.WriteByte('%')
		case strings.IndexByte("sdvfq", format[end]) < 0:
			letter := []rune(format[end:])[0]
			return nil, fmt.Sprintf("%%%c is no verb: there are %%s, %%d, %%f, %%q and %%v", letter)
		case width > maxWidth || precision > maxPrecision:
			return nil, fmt.Sprintf("%s is too wide: at most %d characters and %d decimals are allowed", shorten(format[i:end+1]), maxWidth, maxPrecision)
		default:
			all = append(all, verb{before.String(), format[i : end+1], format[end]})
			before.Reset()
		}
		i = end
	}
	return append(all, verb{before: before.String()}), ""
}

// digits reads a number of at most four digits.
func digits(s string, at int) (n, end int) {
	end = at
	for end < len(s) && end < at+4 && s[end] >= '0' && s[end] <= '9' {
		end++
	}
	n, _ = strconv.Atoi("0" + s[at:end])
	return n, end
}

// sprintfResult checks a constant format against its arguments.
func sprintfResult(c *checker, k *call, args []typed) typed {
	format, constant := constantOf(args[0].code)
	text, isText := format.(string)
	if !constant || !isText {
		return typed{typ: schema.StringType}
	}
	all, wrong := verbs(text)
	if wrong != "" {
		return c.report(diag.ExprType, k.places[0], "", "%s", wrong)
	}
	if n := len(all) - 1; n != len(args)-1 {
		return c.report(diag.ExprType, k.at, "", "the format of sprintf has %d %s, and %d %s follow",
			n, plural(int64(n), "verb"), len(args)-1, plural(int64(len(args)-1), "argument"))
	}
	ok := true
	for i, v := range all[:len(all)-1] {
		what := fmt.Sprintf("the argument of %s", v.format)
		switch v.kind {
		case 's', 'q':
			ok = c.needs(args[i+1], k.places[i+1], what, schema.String) && ok
		case 'd':
			ok = c.needs(args[i+1], k.places[i+1], what, schema.Integer) && ok
		case 'f':
			ok = c.needs(args[i+1], k.places[i+1], what, schema.Number) && ok
		}
	}
	if !ok {
		return broken()
	}
	return typed{typ: schema.StringType}
}

// sprintf writes values into a text. %v writes any value as a template does, null as null.
func sprintf(a args) any {
	format := a.text(0)
	if a.failed() || !a.tick(len(format)) {
		return nil
	}
	all, wrong := verbs(format)
	switch {
	case wrong != "":
		return a.fail("sprintf: %s", wrong)
	case len(all) != len(a.v):
		return a.fail("the format of sprintf has %d %s, and %d %s follow", len(all)-1, plural(int64(len(all)-1), "verb"),
			len(a.v)-1, plural(int64(len(a.v)-1), "argument"))
	case !a.spend(len(format)):
		return nil
	}
	var out strings.Builder
	for i, v := range all {
		out.WriteString(v.before)
		if v.format == "" {
			break
		}
		var arg any
		written := v.format
		switch v.kind {
		case 's', 'q':
			s := a.text(i + 1)
			arg = s
			if !a.spend(4*len(s) + maxWidth) {
				return nil
			}
		case 'd':
			arg = a.int(i + 1)
		case 'f':
			arg = a.float(i + 1)
		case 'v':
			arg, written = a.shown(i+1), strings.TrimSuffix(v.format, "v")+"s"
		}
		if a.failed() || !a.spend(maxWidth+maxPrecision) {
			return nil
		}
		fmt.Fprintf(&out, written, arg)
	}
	return out.String()
}

// shown is argument i as a template writes it.
func (a args) shown(i int) string {
	if a.v[i] == nil {
		return "null"
	}
	one := a
	one.v = a.v[i : i+1]
	s, _ := text(one).(string)
	return s
}
