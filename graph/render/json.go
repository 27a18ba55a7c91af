package render

import (
	"bufio"
	"bytes"
	"encoding/json"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
)

type (
	jsonGraph struct {
		Name  string     `json:"name"`
		Hash  string     `json:"hash"`
		Nodes []jsonNode `json:"nodes"` // declaration order
		Edges []jsonEdge `json:"edges"`
		Order []string   `json:"order"` // sources before their targets
	}
	jsonNode struct {
		ID      string   `json:"id"`
		Uses    string   `json:"uses"`
		Join    string   `json:"join,omitzero"`
		Cancel  bool     `json:"cancel,omitzero"`
		Latch   bool     `json:"latch,omitzero"`
		Finally bool     `json:"finally,omitzero"`
		Writes  []string `json:"writes,omitzero"`
	}
	jsonEdge struct {
		From      string `json:"from,omitzero"`  // "start" for the start of the cycle
		After     string `json:"after,omitzero"` // in place of from
		To        string `json:"to"`
		Outcome   string `json:"outcome,omitzero"`
		When      string `json:"when,omitzero"`
		Else      bool   `json:"else,omitzero"`
		NextCycle bool   `json:"next_cycle,omitzero"`
	}
)

func asJSON(w *bufio.Writer, g *graph.Graph) error {
	out := jsonGraph{Name: g.Name, Hash: g.Hash, Nodes: []jsonNode{}, Edges: []jsonEdge{}, Order: []string{}}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		out.Nodes = append(out.Nodes, jsonNode{
			ID: n.ID, Uses: n.Kind.Name, Join: joinOf(n), Cancel: n.Cancel, Latch: n.Latch, Finally: n.Final, Writes: written(g, n),
		})
	}
	for i := range g.Edges {
		e := &g.Edges[i]
		j := jsonEdge{To: g.Nodes[e.To].ID, Else: e.Else, NextCycle: e.NextCycle}
		if e.After {
			j.After = source(g, e)
		} else {
			j.From = source(g, e)
			if e.From != graph.Start {
				j.Outcome = e.Outcome.String()
			}
		}
		if e.When != nil {
			j.When = e.When.Text().Value
		}
		out.Edges = append(out.Edges, j)
	}
	for _, i := range g.Order {
		out.Order = append(out.Order, g.Nodes[i].ID)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(out); err != nil {
		return err
	}
	_, err := w.Write(diag.CleanJSON(b.Bytes()))
	return err
}
