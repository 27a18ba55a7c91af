package schema

import (
	"math"
	"regexp/syntax"
	"strconv"
	"strings"
)

// facets are what the keywords of a type say about the values to draw. What they do not
// say is found out by a check.
type facets struct {
	low, high *float64
	step      float64
	least     int // characters, elements or properties
	most      *int
	unique    bool
	pattern   string
	format    string
	required  []string
	lowOver   bool
	highBelow bool
}

func facetsOf(t *Type) facets {
	var f facets
	f.read(t, 0)
	f.shrink(t.Kind)
	return f
}

func (f *facets) read(t *Type, depth int) {
	k := t.checks
	if k == nil || depth > deep {
		return
	}
	for _, m := range k.all {
		f.read(m, depth+1)
	}
	f.required = append(f.required, k.required...)
	for i := range k.rules {
		f.rule(&k.rules[i])
	}
}

func (f *facets) rule(r *rule) {
	if r.format != nil {
		f.format = r.format.name
		return
	}
	switch r.keyword {
	case "pattern":
		if s, err := strconv.Unquote(r.text); err == nil {
			f.pattern = s
		}
		return
	case "uniqueItems":
		f.unique = r.text == "true"
		return
	}
	n, err := strconv.ParseFloat(r.text, 64)
	if err != nil {
		return
	}
	whole := int(math.Min(n, 1<<20))
	switch r.keyword {
	case "minimum":
		f.low = &n
	case "exclusiveMinimum":
		f.low, f.lowOver = &n, true
	case "maximum":
		f.high = &n
	case "exclusiveMaximum":
		f.high, f.highBelow = &n, true
	case "multipleOf":
		f.step = n
	case "minLength", "minItems", "minProperties":
		f.least = max(f.least, whole)
	case "maxLength", "maxItems", "maxProperties":
		f.most = &whole
	}
}

// shrink makes exclusive bounds inclusive ones.
func (f *facets) shrink(kind Kind) {
	by := 0.001
	if kind == Integer {
		by = 1
	}
	if f.lowOver {
		low := *f.low + by
		f.low = &low
	}
	if f.highBelow {
		high := *f.high - by
		f.high = &high
	}
}

// samplesOf are texts of each form that `format` names.
var samplesOf = map[string][]string{
	"date-time": {"2026-01-02T03:04:05Z", "1999-12-31T23:59:59+01:00"},
	"date":      {"2026-01-02", "2024-02-29"},
	"time":      {"03:04:05Z", "23:59:59+01:00"},
	"duration":  {"PT1S", "P3DT12H"},
	"email":     {"a@example.com", "b.c@example.org"},
	"uri":       {"https://example.com/", "urn:a:b"},
	"uuid":      {"2eb8aa08-aa98-11ea-b4aa-73b441d16380", "00000000-0000-0000-0000-000000000000"},
	"ipv4":      {"192.0.2.1", "127.0.0.1"},
	"ipv6":      {"2001:db8::1", "::1"},
	"hostname":  {"www.example.com", "localhost"},
}

// sample is a text that a regular expression matches; "" for one that does not compile.
func sample(pattern string, d Dice) string {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return ""
	}
	var b strings.Builder
	sampled(&b, re.Simplify(), d, 0)
	return b.String()
}

// sampleMost bounds the length of a sample.
const sampleMost = 4096

func sampled(b *strings.Builder, re *syntax.Regexp, d Dice, depth int) {
	if b.Len() > sampleMost || depth > 100 {
		return
	}
	many := func(least int) {
		for range least + d.N(3) {
			sampled(b, re.Sub[0], d, depth+1)
		}
	}
	switch re.Op {
	case syntax.OpLiteral:
		b.WriteString(string(re.Rune))
	case syntax.OpCharClass:
		if len(re.Rune) == 0 {
			return
		}
		k := d.N(len(re.Rune)/2) * 2
		low, high := re.Rune[k], re.Rune[k+1]
		if low == 0 && high > 'a' { // [^…]: something to read
			low, high = max(low, 'a'), min(high, 'z')
		}
		b.WriteRune(low + rune(d.N(int(min(high-low, 1000))+1)))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteString(fewTexts[d.N(len(fewTexts))])
	case syntax.OpCapture, syntax.OpConcat:
		for _, sub := range re.Sub {
			sampled(b, sub, d, depth+1)
		}
	case syntax.OpAlternate:
		sampled(b, re.Sub[d.N(len(re.Sub))], d, depth+1)
	case syntax.OpStar:
		many(0)
	case syntax.OpPlus:
		many(1)
	case syntax.OpQuest:
		if d.N(2) == 0 {
			sampled(b, re.Sub[0], d, depth+1)
		}
	case syntax.OpRepeat:
		for range re.Min {
			sampled(b, re.Sub[0], d, depth+1)
		}
	}
}
