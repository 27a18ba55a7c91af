package tree

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/graphrun/graphrun/diag"
)

// UnmarshalJSON reads a plain value, without places. Integers within int64 are
// exact, mappings keep their order.
func (n *Node) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	v, err := read(d)
	if err != nil {
		return err
	}
	*n = *v
	return nil
}

func read(d *json.Decoder) (*Node, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case json.Delim:
		if t == '[' {
			return readList(d)
		}
		return readMap(d)
	case json.Number:
		if i, err := strconv.ParseInt(t.String(), 10, 64); err == nil {
			return Of(i), nil
		}
		f, err := t.Float64()
		if err != nil {
			return nil, err
		}
		return Of(f), nil
	}
	return Of(t), nil // null, a boolean or a string
}

func readList(d *json.Decoder) (*Node, error) {
	n := &Node{Kind: List}
	for d.More() {
		it, err := read(d)
		if err != nil {
			return nil, err
		}
		n.Items = append(n.Items, it)
	}
	_, err := d.Token()
	return n, err
}

func readMap(d *json.Decoder) (*Node, error) {
	n := &Node{Kind: Map}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		v, err := read(d)
		if err != nil {
			return nil, err
		}
		n.Fields = append(n.Fields, Field{Key: diag.Plain(key.(string)), Value: v})
	}
	_, err := d.Token()
	return n, err
}
