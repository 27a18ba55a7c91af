package journal

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/graphrun/graphrun/graph/value"
)

// Place is where something stands in a stack and in the graphs that its nodes run, from
// the outside to the inside: "check/lint", "each[b]/lint". The last spot is the node; the
// ones before it are the nodes that run the graphs around it.
type Place []Spot

// Spot is a node, or an element of one.
type Spot struct {
	Node string
	Item string // the element's key under for_each; "" for the node
}

// maxPlace bounds the bytes of a place that is read.
const maxPlace = 64 << 10

// String is NODE, or NODE[KEY]. A key of other characters than letters, digits, and
// _ . : - is a JSON string.
func (s Spot) String() string {
	switch {
	case s.Item == "":
		return s.Node
	case isPlainKey(s.Item):
		return s.Node + "[" + s.Item + "]"
	}
	return s.Node + "[" + value.String(s.Item) + "]"
}

func isPlainKey(key string) bool {
	for _, c := range key {
		plain := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '.' || c == ':' || c == '-'
		if !plain {
			return false
		}
	}
	return key != ""
}

// String writes the spots with slashes between them, as ParsePlace reads them.
func (p Place) String() string {
	all := make([]string, len(p))
	for i, s := range p {
		all[i] = s.String()
	}
	return strings.Join(all, "/")
}

// Within is a place, as text, within the graph that a spot runs. The empty text is the
// spot itself.
func (s Spot) Within(place string) string {
	if place == "" {
		return s.String()
	}
	return s.String() + "/" + place
}

// ParsePlace reads a place as String writes it. A place that was written by hand may have
// any key without `[`, `]`, `/` and quotes as it is. Errors name what is wrong with it.
func ParsePlace(text string) (Place, error) {
	if len(text) > maxPlace {
		return nil, fmt.Errorf("a place has at most %d bytes, this one has %d", maxPlace, len(text))
	}
	if !utf8.ValidString(text) {
		return nil, fmt.Errorf("the place is no UTF-8 text")
	}
	var p Place
	for rest := text; ; {
		s, after, err := parseSpot(rest)
		if err != nil {
			return nil, fmt.Errorf("%q is no place: %w (expected NODE, NODE[KEY] or NODE/NODE)", shortened(text, 100), err)
		}
		p = append(p, s)
		if after == "" {
			return p, nil
		}
		rest = after[1:] // a slash
	}
}

// parseSpot reads the first spot of a place. What is left is empty or begins with a slash.
func parseSpot(text string) (s Spot, rest string, err error) {
	end := strings.IndexAny(text, "[]/\"")
	if end < 0 {
		end = len(text)
	}
	s.Node, rest = text[:end], text[end:]
	if s.Node == "" {
		return s, "", fmt.Errorf("a node's name is missing")
	}
	if strings.HasPrefix(rest, "[") {
		if s.Item, rest, err = parseKey(rest[1:]); err != nil {
			return s, "", err
		}
	}
	if rest != "" && rest[0] != '/' {
		return s, "", fmt.Errorf("%q stands after %s", shortened(rest, 20), s)
	}
	return s, rest, nil
}

// parseKey reads a key and the bracket that ends it.
func parseKey(text string) (key, rest string, err error) {
	if strings.HasPrefix(text, `"`) {
		dec := json.NewDecoder(strings.NewReader(text))
		if err := dec.Decode(&key); err != nil {
			return "", "", fmt.Errorf("the key is no JSON string")
		}
		rest = text[dec.InputOffset():]
	} else {
		end := strings.IndexAny(text, "[]/\"")
		if end < 0 {
			end = len(text)
		}
		key, rest = text[:end], text[end:]
	}
	switch {
	case key == "":
		return "", "", fmt.Errorf("a key is missing")
	case !strings.HasPrefix(rest, "]"):
		return "", "", fmt.Errorf("] is missing")
	}
	return key, rest[1:], nil
}
