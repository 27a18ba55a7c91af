package graph

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/tree"
)

// hashOf returns the SHA-256 of the meaning of a definition: its JSON without
// places, without the file's path and without descriptions. A definition that went
// through JSON has the same hash.
func hashOf(def *Def) string {
	d := *def
	d.File, d.Description = "", ""
	d.Nodes = slices.Clone(d.Nodes)
	for i := range d.Nodes {
		d.Nodes[i].Description = ""
		d.Nodes[i].With = notNull(d.Nodes[i].With)
		d.Nodes[i].Priority = notNull(d.Nodes[i].Priority)
		d.Nodes[i].Lock = notNull(d.Nodes[i].Lock)
		if inner := d.Nodes[i].Graph; inner != nil {
			d.Nodes[i].Graph = &Def{Name: diag.Plain(hashOf(inner))}
		}
	}
	d.Tools = slices.Clone(d.Tools)
	for i := range d.Tools {
		d.Tools[i].With = notNull(d.Tools[i].With)
		if inner := d.Tools[i].Graph; inner != nil {
			d.Tools[i].Graph = &Def{Name: diag.Plain(hashOf(inner))}
		}
	}
	d.State = slices.Clone(d.State)
	for i := range d.State {
		d.State[i].Default = notNull(d.State[i].Default)
	}
	d.Params = slices.Clone(d.Params)
	for i := range d.Params {
		d.Params[i].Default = notNull(d.Params[i].Default)
	}
	b, err := json.Marshal(d)
	if err != nil {
		// A Def holds nothing that JSON has no form for, but a NaN that a
		// program put in; its text is as good a text to hash.
		b = fmt.Appendf(nil, "%+v", d)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// notNull is nil for a null: that is what JSON makes of one.
func notNull(n *tree.Node) *tree.Node {
	if n != nil && n.Kind == tree.Null {
		return nil
	}
	return n
}
