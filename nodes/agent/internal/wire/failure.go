package wire

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/graphrun/graphrun/graph/value"
)

const maxMessage = 2000 // bytes of an error's message

// Clean is a text of a provider as an error may show it: one line, bounded, valid UTF-8,
// and without the key.
func (c *Client) Clean(s string) string {
	if len(s) > 16*maxMessage {
		s = s[:16*maxMessage]
	}
	if c.key != "" {
		s = strings.ReplaceAll(s, c.key, "***")
	}
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "\uFFFD")), " ")
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s)
	if len(s) <= maxMessage {
		return s
	}
	n := maxMessage
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// Failure reads the body of an error in any of the forms that providers use, and returns
// "" where it finds nothing.
func Failure(body []byte) (kind, message string) {
	body = bytes.TrimSpace(body)
	if i := bytes.Index(body, []byte("data:")); i == 0 || i > 0 && bytes.HasPrefix(body, []byte("event:")) {
		body, _, _ = bytes.Cut(body[i+len("data:"):], []byte("\n")) // an event
	}
	v, err := Decode(body)
	if err != nil {
		return "", ""
	}
	if list, ok := v.([]any); ok && len(list) > 0 {
		v = list[0]
	}
	o, ok := v.(map[string]any)
	if !ok {
		s, _ := v.(string)
		return "", s
	}
	if e, ok := o["error"]; ok && e != nil && e != false {
		if kind, message = said(e); message != "" {
			if kind == "" {
				kind = word(o, "error_type", "code", "type")
			}
			return kind, message
		}
	}
	return said(o)
}

// said reads an error object, or what a server has in its place.
func said(v any) (kind, message string) {
	switch v := v.(type) {
	case string:
		return "", v
	case map[string]any:
		kind = word(v, "type", "code", "status")
		for _, k := range []string{"message", "error", "detail", "details", "msg", "error_description", "errors"} {
			if message = sentence(v[k]); message != "" {
				return kind, message
			}
		}
		return kind, ""
	}
	return "", ""
}

// sentence is a message, which may be a text, a list of problems, or an object.
func sentence(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		var all []string
		for _, x := range v[:min(len(v), 5)] {
			if s := sentence(x); s != "" {
				all = append(all, s)
			}
		}
		return strings.Join(all, "; ")
	case map[string]any:
		if _, m := said(v); m != "" {
			return m
		}
		if len(v) > 0 {
			return value.String(v)
		}
	}
	return ""
}

// word is the first of the fields that says something, be it a number.
func word(o map[string]any, keys ...string) string {
	for _, k := range keys {
		switch v := o[k].(type) {
		case string:
			if v != "" {
				return v
			}
		case int64:
			return strconv.FormatInt(v, 10)
		}
	}
	return ""
}

// RetryAfter reads how long a provider asks to wait: Retry-After-Ms in milliseconds,
// which wins, or Retry-After in seconds or as a date, which is measured against the
// provider's own clock if it says the time.
func RetryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	for _, name := range []string{"Retry-After-Ms", "X-Ms-Retry-After-Ms"} {
		if ms, err := strconv.ParseFloat(strings.TrimSpace(h.Get(name)), 64); err == nil && ms >= 0 {
			return span(ms / 1000), true
		}
	}
	text := strings.TrimSpace(h.Get("Retry-After"))
	if s, err := strconv.ParseFloat(text, 64); err == nil && s >= 0 {
		return span(s), true
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0, false
	}
	if theirs, err := http.ParseTime(h.Get("Date")); err == nil {
		now = theirs
	}
	return span(at.Sub(now).Seconds()), true
}

// span bounds seconds to what a duration of a year holds.
func span(s float64) time.Duration {
	const year = 365 * 24 * time.Hour
	if !(s < year.Seconds()) {
		return year
	}
	return time.Duration(max(s, 0) * float64(time.Second))
}
