package value

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

type label string

func (l label) MarshalText() ([]byte, error) { return []byte(l), nil }

func TestOfRefusesTextThatIsNoUTF8(t *testing.T) {
	t.Parallel()
	const bad = "caf\xe9"
	type inner struct {
		Name string
		Skip string `json:"-"`
	}
	for name, v := range map[string]any{
		"text":              bad,
		"in a list":         []any{"a", bad},
		"as a key":          map[string]any{bad: 1},
		"in a struct":       struct{ In *inner }{&inner{Name: bad}},
		"in a typed map":    map[string]inner{"a": {Name: bad}},
		"as a key of a map": map[label]int{bad: 1},
		"by its own method": []label{bad},
	} {
		_, err := Of(v)
		var wrong *TextError
		if !errors.As(err, &wrong) || wrong.Offset != 3 || wrong.Byte != 0xe9 {
			t.Errorf("%s: got %v, want the byte 0xE9 at offset 3", name, err)
		}
		if _, err := CopyOf(v); err == nil {
			t.Errorf("%s: CopyOf gave no error", name)
		}
	}
	for name, v := range map[string]any{
		"the character itself": struct{ S string }{"\ufffd"},
		"an escape in JSON":    json.RawMessage(`"\ufffd"`),
		"beside a nil pointer": struct {
			P *label
			R json.RawMessage
		}{nil, json.RawMessage(`"\ufffd"`)},
		"a field left out": inner{Name: `\ufffd`, Skip: bad},
	} {
		if got, err := Of(v); err != nil || !strings.Contains(String(got.Any()), "\ufffd") && !strings.Contains(String(got.Any()), `\ufffd`) {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
}
