package wire

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"strings"

	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes/agent"
)

// Decode reads one JSON value as canonical. Unlike value.Decode it takes bytes that are
// no UTF-8, and halves of surrogate pairs, as U+FFFD: a stream may cut a character in two.
func Decode(b []byte) (any, error) {
	v, err := value.Decode(b)
	if err == nil {
		return v, nil
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var x any
	if !json.Valid(b) || dec.Decode(&x) != nil {
		return nil, err
	}
	c, err := value.Of(x)
	return c.Any(), err
}

// Incomplete reports whether b is the beginning of a JSON value, and not all of it.
func Incomplete(b []byte) bool {
	var raw json.RawMessage
	err := json.NewDecoder(bytes.NewReader(b)).Decode(&raw)
	return err != nil && strings.Contains(err.Error(), "EOF")
}

// Arguments reads the arguments of a call: of no text it is an empty object, and a text
// that is no JSON object is kept as it is.
func Arguments(text string) (args any, kept string) {
	if strings.TrimSpace(text) == "" {
		return map[string]any{}, ""
	}
	v, err := Decode([]byte(text))
	if err != nil {
		return nil, text
	}
	if v == nil {
		return map[string]any{}, ""
	}
	if _, ok := v.(map[string]any); !ok {
		return nil, text
	}
	return v, ""
}

// Identify gives an id to every call that has none, or the one of an earlier call of the
// same answer.
func Identify(calls []agent.Call) {
	seen := map[string]bool{}
	for i := range calls {
		if id := calls[i].ID; id == "" || seen[id] {
			calls[i].ID = rand.Text()[:9] // some providers want exactly nine characters
		}
		seen[calls[i].ID] = true
	}
}

// Merge adds the fields of extra to a request, but those that are not the author's. Of
// two objects the fields are joined; otherwise extra wins.
func Merge(body, extra map[string]any) {
	for k, v := range extra {
		switch k {
		case "model", "messages", "tools", "stream":
			continue
		}
		have, ok1 := body[k].(map[string]any)
		more, ok2 := v.(map[string]any)
		if !ok1 || !ok2 {
			body[k] = v
			continue
		}
		both := map[string]any{}
		for _, o := range []map[string]any{have, more} {
			for f, x := range o {
				both[f] = x
			}
		}
		body[k] = both
	}
}

// Object is v, which may be of any type or absent, as an object.
func Object(v any) map[string]any { o, _ := v.(map[string]any); return o }

// List is v as a list.
func List(v any) []any { l, _ := v.([]any); return l }

// Text is v as a text.
func Text(v any) string { s, _ := v.(string); return s }

// Number is v as a whole number that is not negative.
func Number(v any) int64 {
	switch v := v.(type) {
	case int64:
		return max(v, 0)
	case float64:
		if v > 0 && v < 1<<53 {
			return int64(v)
		}
	}
	return 0
}

// Weight is the length of all texts in a value.
func Weight(v any) int {
	n := 0
	switch v := v.(type) {
	case string:
		n = len(v)
	case []any:
		for _, x := range v {
			n += 1 + Weight(x)
		}
	case map[string]any:
		for _, x := range v {
			n += 1 + Weight(x)
		}
	}
	return n
}
