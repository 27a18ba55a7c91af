package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/render"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/runtime/api"
)

// words are what templates say values with.
var words = template.FuncMap{
	"clock":     clock,
	"moment":    moment,
	"took":      took,
	"millis":    func(n int64) string { return took(time.Duration(n) * time.Millisecond) },
	"brief":     func(v any) string { return diag.Shorten(string(value.Append(nil, plain(v))), maxBrief) },
	"pretty":    pretty,
	"by":        func(by *journal.By, v any) string { return render.Writer(by, !render.HasParts(plain(v))) },
	"edgeLine":  render.EdgeLine,
	"edgeWhy":   render.EdgeWhy,
	"condition": conditionText,
	"mark":      mark,
	"nodeWords": nodeWords,
	"join":      strings.Join,
	"cost":      func(c float64) string { return fmt.Sprintf("%.4g", c) },
	"plural":    plural,
	"rate":      rateWords,
	"held":      heldWords,
}

// maxBrief bounds a value in a line, in bytes.
const maxBrief = 160

// plain is a value of the API or of package inspect without its wrapping.
func plain(v any) any {
	switch v := v.(type) {
	case value.Value:
		return v.Any()
	case *value.Value:
		return v.Any()
	case inspect.Value:
		return v.V
	case api.Value:
		return v.V
	}
	return v
}

// pretty is a value as indented JSON.
func pretty(v any) string {
	var b bytes.Buffer
	if err := json.Indent(&b, value.Append(nil, plain(v)), "", "  "); err != nil {
		return ""
	}
	return b.String()
}

func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("15:04:05")
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

func took(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(10 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

// conditionText is a condition that was taken apart, a line for each piece.
func conditionText(p *inspect.Part) string {
	var b strings.Builder
	if err := render.Condition(&b, p, ""); err != nil {
		return err.Error()
	}
	return b.String()
}

// mark stands before what holds, what does not, and what nobody knows.
func mark(live *bool) string {
	switch {
	case live == nil:
		return "·"
	case *live:
		return "✓"
	}
	return "✗"
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// rateWords says what was used of a rate.
func rateWords(r api.Rate) string {
	said := fmt.Sprintf("%d in the last minute", r.LastMinute)
	if r.Limit == 0 {
		return said + ", no limit"
	}
	per := "in " + took(time.Duration(r.PerMS)*time.Millisecond)
	switch r.PerMS {
	case 1000:
		per = "a second"
	case 60_000:
		per = "a minute"
	case 3_600_000:
		per = "an hour"
	}
	return fmt.Sprintf("%s, of %d %s", said, r.Limit, per)
}

// heldWords says what is held back, why, and until when.
func heldWords(h api.Held) string {
	why := map[api.HeldWhy]string{
		api.HeldByRate: "by the rate", api.HeldByProvider: "as the provider asked for it", api.HeldByBackoff: "after a failure",
	}[h.Why]
	return plural(h.Questions, "question", "questions") + " until " + clock(h.Until) + ", " + why
}
