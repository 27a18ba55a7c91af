package tree

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/graphrun/graphrun/diag"
)

// Kind says what a Node is.
type Kind uint8

const (
	Null Kind = iota
	Bool
	Int    // an integer within int64
	Float  // any other number
	String // also every text that is not one of the above by the YAML 1.2 core schema
	List
	Map
)

func (k Kind) String() string {
	return [...]string{"null", "boolean", "integer", "number", "string", "list", "mapping"}[k]
}

// Node is one value with its place. Nobody changes it once it is built.
type Node struct {
	Kind   Kind
	Text   diag.Text // the text of a scalar: decoded for String, as written for all others
	Bool   bool
	Int    int64
	Float  float64
	Items  []*Node // of a List
	Fields []Field // of a Map, in the order of the file
	Span   diag.Span
}

// Field is one entry of a Map.
type Field struct {
	Key   diag.Text
	Value *Node
}

// Head is the place at which a problem of the whole value is shown: its first key
// for a mapping without braces, else all of it.
func (n *Node) Head() diag.Span {
	if n.Kind == Map && len(n.Fields) > 0 && n.Fields[0].Key.Span.Start == n.Span.Start {
		return n.Fields[0].Key.Span
	}
	return n.Span
}

// Get returns the value of a key, or nil when n is nil, is not a Map or has no
// such key.
func (n *Node) Get(key string) *Node {
	if n == nil {
		return nil
	}
	for i := range n.Fields {
		if n.Fields[i].Key.Value == key {
			return n.Fields[i].Value
		}
	}
	return nil
}

// GetText returns the text of a scalar as it is written, "" for a nil Node and for lists and
// mappings.
func (n *Node) GetText() string {
	if n == nil {
		return ""
	}
	return n.Text.Value
}

// Entries returns the fields of a mapping, none for a nil Node and for other values.
func (n *Node) Entries() []Field {
	if n == nil {
		return nil
	}
	return n.Fields
}

// Value returns the plain JSON value: nil, bool, int64, float64, string, []any or
// map[string]any. A nil Node gives nil.
func (n *Node) Value() any {
	if n == nil {
		return nil
	}
	switch n.Kind {
	case Bool:
		return n.Bool
	case Int:
		return n.Int
	case Float:
		return n.Float
	case String:
		return n.Text.Value
	case List:
		out := make([]any, len(n.Items))
		for i, it := range n.Items {
			out[i] = it.Value()
		}
		return out
	case Map:
		out := make(map[string]any, len(n.Fields))
		for _, f := range n.Fields {
			out[f.Key.Value] = f.Value.Value()
		}
		return out
	}
	return nil
}

// Of builds a Node without places from a JSON value (the Go types that Value
// gives, and int). Keys of maps are sorted. It panics on any other Go type, which
// is a mistake of the caller and not of any input.
func Of(v any) *Node {
	switch v := v.(type) {
	case nil:
		return &Node{Kind: Null}
	case bool:
		return &Node{Kind: Bool, Bool: v, Text: diag.Plain(fmt.Sprint(v))}
	case int:
		return Of(int64(v))
	case int64:
		return &Node{Kind: Int, Int: v, Text: diag.Plain(fmt.Sprint(v))}
	case float64:
		return &Node{Kind: Float, Float: v, Text: diag.Plain(fmt.Sprint(v))}
	case string:
		return &Node{Kind: String, Text: diag.Plain(v)}
	case []any:
		n := &Node{Kind: List}
		for _, it := range v {
			n.Items = append(n.Items, Of(it))
		}
		return n
	case map[string]any:
		n := &Node{Kind: Map}
		for _, k := range slices.Sorted(maps.Keys(v)) {
			n.Fields = append(n.Fields, Field{Key: diag.Plain(k), Value: Of(v[k])})
		}
		return n
	}
	panic(fmt.Sprintf("tree: %T is not a JSON value", v))
}

// MarshalJSON writes the plain value, without places.
func (n *Node) MarshalJSON() ([]byte, error) { return json.Marshal(n.Value()) }
