package cassette

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/graphrun/graphrun/nodes"
)

// maxText bounds a recorded text: the largest value that a graph can hold. What is longer
// is recorded as far as the bound.
const maxText = 64 << 20

// modelLine is one exchange with a provider.
type modelLine struct {
	ID          string `json:"id"`
	Host        string `json:"host"`
	Path        string `json:"path"`
	Request     string `json:"request"`
	Status      int    `json:"status"`
	ContentType string `json:"content_type"`
	RetryAfter  string `json:"retry_after"`
	Body        string `json:"body"`
}

// serverLine is one exchange with an MCP server.
type serverLine struct {
	ID      string      `json:"id"`
	Server  string      `json:"server"`
	Tool    string      `json:"tool"` // "" for the list of tools
	Request string      `json:"request"`
	Body    string      `json:"body"`
	Error   *serverFail `json:"error,omitempty"`
}

// serverFail is why a call has no output.
type serverFail struct {
	Kind      string `json:"kind"`
	Message   string `json:"message"`
	Permanent bool   `json:"permanent,omitempty"`
}

func failOf(err error) *serverFail {
	if f, ok := errors.AsType[*nodes.Error](err); ok {
		return &serverFail{f.Kind, f.Message, f.Permanent}
	}
	return &serverFail{Kind: "error", Message: err.Error()}
}

func (f *serverFail) err() error {
	return &nodes.Error{Kind: f.Kind, Message: f.Message, Permanent: f.Permanent}
}

// encode writes a value as one line, without its end.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// jsonText is a value as JSON text.
func jsonText(v any) string {
	b, err := encode(v)
	if err != nil {
		return ""
	}
	return string(b)
}

// readJSON reads a text as JSON with numbers as they are written; false if it is not JSON.
func readJSON(text string) (any, bool) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil || dec.More() {
		return nil, false
	}
	return v, true
}

// masked hides secrets in a text. Text that was JSON stays JSON: there a secret that is a
// number, or that looks like a piece of JSON, is replaced value by value.
func masked(mask func(string) string, text string) string {
	if mask == nil {
		return text
	}
	out := mask(text)
	if out == text {
		return text
	}
	v, ok := readJSON(text)
	if !ok || json.Valid([]byte(out)) {
		return out
	}
	return jsonText(maskedValue(mask, v))
}

func maskedValue(mask func(string) string, v any) any {
	switch v := v.(type) {
	case string:
		return mask(v)
	case json.Number:
		if s := mask(v.String()); s != v.String() {
			return s
		}
	case []any:
		for i := range v {
			v[i] = maskedValue(mask, v[i])
		}
	case map[string]any:
		for _, key := range keysOf(v) {
			at := maskedValue(mask, v[key])
			delete(v, key)
			v[mask(key)] = at
		}
	}
	return v
}

// clip cuts a text to the bound.
func clip(text string) string {
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "")
	}
	return text
}

func number(n int64) string { return strconv.FormatInt(n, 10) }
