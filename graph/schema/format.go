package schema

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/internal/late"
)

// format is a form of text that `format` names. It says nothing about values of
// other kinds.
type format struct {
	name string
	like string // for messages: `must be a date as 2026-11-29`
	fits func(string) bool
}

// formats are the forms that are checked. An internationalised label of a hostname
// (`xn--…`) is checked as letters, digits and dashes: what it decodes to is not.
var formats = map[string]format{
	"date-time": {"date-time", "a date-time as 2026-11-29T19:35:06Z", isDateTime},
	"date":      {"date", "a date as 2026-11-29", isDate},
	"time":      {"time", "a time with its offset as 19:35:06Z", isTime},
	"duration":  {"duration", "a duration of ISO 8601 as P3DT12H", isDuration},
	"email":     {"email", "an email address", isEmail},
	"uri":       {"uri", "a URI as https://example.com/path", isURI},
	"uuid":      {"uuid", "a UUID as 2eb8aa08-aa98-11ea-b4aa-73b441d16380", func(s string) bool { return uuidForm().MatchString(s) }},
	"ipv4":      {"ipv4", "an IPv4 address as 192.0.2.1", isIPv4},
	"ipv6":      {"ipv6", "an IPv6 address as 2001:db8::1", isIPv6},
	"hostname":  {"hostname", "a hostname as www.example.com", isHostname},
}

// Formats returns the words of `format` that are checked, sorted.
func Formats() []string {
	return slices.Sorted(maps.Keys(formats))
}

// format compiles the keyword `format`.
func (c *compiler) format(n *tree.Node) *rule {
	f, ok := formats[n.Text.Value]
	if !ok {
		help := diag.Suggest(n.Text.Value, Formats())
		if help == "" {
			help = "known formats: " + strings.Join(Formats(), ", ")
		}
		c.problems.Add(diag.UnknownFormat, n.Span, help, "the format %.60q is not known and not checked", n.Text.Value)
		return nil
	}
	return &rule{keyword: "format", format: &f}
}

// check judges a value of any kind.
func (f *format) check(v any) *Mismatch {
	s, ok := v.(string)
	if !ok || f.fits(s) {
		return nil
	}
	return mismatch("must be %s, not %.60q", f.like, s)
}

var (
	timeForm     = late.Regexp(`^([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9]|60)(\.[0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$`)
	durationForm = late.Regexp(`^P([0-9]+W|([0-9]+Y([0-9]+M([0-9]+D)?)?|[0-9]+M([0-9]+D)?|[0-9]+D)(T(` + clockForm + `))?|T(` + clockForm + `))$`)
	uuidForm     = late.Regexp(`^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$`)
	labelForm    = late.Regexp(`^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`)
	atomsForm    = late.Regexp("^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$")
	quotedForm   = late.Regexp(`^"([ !#-\[\]-~]|\\[ -~])*"$`)
	uriForm      = late.Regexp(`^[A-Za-z][A-Za-z0-9+.-]*:(//(` + userForm + `@)?(\[[^\]]*\]|` + regForm + `)(:[0-9]*)?(/` + pathForm + `)?|(/?` + segmentForm + pathForm + `)?)(\?` + queryForm + `)?(#` + queryForm + `)?$`)
)

// Parts of forms, by the grammars of RFC 3339 and RFC 3986.
const (
	clockForm   = `[0-9]+H([0-9]+M([0-9]+S)?)?|[0-9]+M([0-9]+S)?|[0-9]+S`
	pctForm     = `%[0-9A-Fa-f]{2}`
	userForm    = `(?:[A-Za-z0-9._~!$&'()*+,;=:-]|` + pctForm + `)*`
	regForm     = `(?:[A-Za-z0-9._~!$&'()*+,;=-]|` + pctForm + `)*`
	segmentForm = `(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|` + pctForm + `)+`
	pathForm    = `(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|` + pctForm + `)*`
	queryForm   = `(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|` + pctForm + `)*`
)

func isDate(s string) bool {
	_, err := time.Parse(time.DateOnly, s)
	return err == nil && len(s) == len(time.DateOnly)
}

func isDateTime(s string) bool {
	n := len(time.DateOnly)
	return len(s) > n && isDate(s[:n]) && (s[n] == 'T' || s[n] == 't') && isTime(s[n+1:])
}

// isTime takes a leap second only where one can be: at 23:59:60 UTC.
func isTime(s string) bool {
	m := timeForm().FindStringSubmatch(s)
	if m == nil {
		return false
	}
	if m[3] != "60" {
		return true
	}
	minutes := minutesOf(m[1] + ":" + m[2])
	switch offset := m[5]; offset[0] {
	case '+':
		minutes -= minutesOf(offset[1:])
	case '-':
		minutes += minutesOf(offset[1:])
	}
	const day = 24 * 60
	return (minutes+day)%day == day-1
}

// minutesOf reads HH:MM.
func minutesOf(s string) int {
	return int(s[0]-'0')*600 + int(s[1]-'0')*60 + int(s[3]-'0')*10 + int(s[4]-'0')
}

func isDuration(s string) bool { return durationForm().MatchString(s) }

func isHostname(s string) bool {
	if len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if !labelForm().MatchString(label) {
			return false
		}
	}
	return true
}

func isEmail(s string) bool {
	i := strings.LastIndexByte(s, '@')
	if i < 0 {
		return false
	}
	local, domain := s[:i], s[i+1:]
	if !atomsForm().MatchString(local) && !quotedForm().MatchString(local) {
		return false
	}
	literal, ok := strings.CutPrefix(domain, "[")
	if !ok {
		return isHostname(domain)
	}
	if literal, ok = strings.CutSuffix(literal, "]"); !ok {
		return false
	}
	if six, ok := strings.CutPrefix(literal, "IPv6:"); ok {
		return isIPv6(six)
	}
	return isIPv4(literal)
}

func isURI(s string) bool {
	m := uriForm().FindStringSubmatch(s)
	if m == nil {
		return false
	}
	host := m[3]
	if !strings.HasPrefix(host, "[") {
		return true
	}
	inner := host[1 : len(host)-1]
	return isIPv6(inner) || futureForm().MatchString(inner)
}

// futureForm is an address of a version that is not known yet (RFC 3986).
var futureForm = late.Regexp(`^[Vv][0-9A-Fa-f]+\.[A-Za-z0-9._~!$&'()*+,;=:-]+$`)

func isIPv4(s string) bool {
	a, err := netip.ParseAddr(s)
	return err == nil && a.Is4()
}

func isIPv6(s string) bool {
	a, err := netip.ParseAddr(s)
	return err == nil && a.Is6() && a.Zone() == ""
}
