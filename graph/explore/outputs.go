package explore

import (
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/schema"
)

// outputType is the type that outputs of a node are drawn from. guessed says that its
// declared type leaves something open that the `writes` read.
func outputType(n *graph.Node) (t *schema.Type, guessed bool) {
	declared := n.Output
	if declared == nil {
		declared = schema.AnyType
	}
	demand := cond.NewDemand("output")
	if fe := n.ForEach; fe != nil {
		var elem *schema.Type
		list := cond.NewDemand("output")
		for i := range n.Writes {
			list.Add(n.Writes[i].Expr)
		}
		if lt := list.Type(); lt.Kind == schema.List {
			elem = lt.Elem
		}
		switch {
		case fe.Yield != nil:
			demand.AddFor(fe.Yield, elem)
		case elem != nil:
			return joined(declared, elem, 0)
		}
	} else {
		for i := range n.Writes {
			demand.Add(n.Writes[i].Expr)
		}
	}
	return joined(declared, demand.Type(), 0)
}

// joined is a declared type whose open parts are those of a guess.
func joined(declared, guess *schema.Type, depth int) (t *schema.Type, guessed bool) {
	switch {
	case depth > 8:
		return declared, false
	case declared.Kind == schema.Any && declared.Enum == nil:
		return guess, true
	case declared.Kind == schema.List && guess.Kind == schema.List:
		if elem, guessed := joined(declared.Elem, guess.Elem, depth+1); guessed {
			return schema.ListOf(elem), true
		}
	case declared.Kind == schema.Object && guess.Kind == schema.Object:
		return joinedObject(declared, guess, depth)
	case declared.Kind == schema.Object && declared.Rest != nil && declared.Rest.Kind == schema.Any && len(declared.Props) == 0:
		return declared, true
	}
	return declared, false
}

func joinedObject(declared, guess *schema.Type, depth int) (t *schema.Type, guessed bool) {
	props := append([]schema.Prop(nil), declared.Props...)
	for _, want := range guess.Props {
		known := false
		for i := range props {
			if props[i].Name != want.Name {
				continue
			}
			known = true
			if pt, open := joined(props[i].Type, want.Type, depth+1); open {
				props[i].Type, guessed = pt, true
			}
		}
		if !known && declared.Rest != nil && declared.Rest.Kind == schema.Any {
			props, guessed = append(props, want), true
		}
	}
	if !guessed {
		return declared, false
	}
	return &schema.Type{Kind: schema.Object, Props: props, Nullable: declared.Nullable}, true
}

// probe finds out whether the `writes` of a node can work with an output, in the state
// that stacks begin with.
type probe struct {
	g   *graph.Graph
	env *cond.Env
}

type initial struct{ g *graph.Graph }

func (s initial) Field(i int) any { return s.g.Keys[i].Initial }
func (s initial) Len() int        { return len(s.g.Keys) }

type pendingNodes struct{ g *graph.Graph }

func (s pendingNodes) Field(int) any {
	return map[string]any{"status": "pending", "attempts": int64(0), "reason": nil, "error": nil}
}
func (s pendingNodes) Len() int { return len(s.g.Nodes) }

func newProbe(g *graph.Graph) *probe {
	p := &probe{g: g, env: &cond.Env{Slots: make([]any, graph.NumSlots)}}
	params := map[string]any{}
	for i := range g.Params {
		params[g.Params[i].Name] = g.Params[i].Default
	}
	at := time.Unix(0, 0).UTC()
	p.env.Slots[graph.SlotState] = initial{g}
	p.env.Slots[graph.SlotParams] = params
	p.env.Slots[graph.SlotNodes] = pendingNodes{g}
	p.env.Slots[graph.SlotStack] = map[string]any{"id": g.Name, "graph": g.Name, "created_at": at}
	p.env.Slots[graph.SlotCycle] = map[string]any{"number": int64(1), "started_at": at, "due": nil}
	p.env.Slots[graph.SlotNow] = at
	return p
}

func (p *probe) takes(n *graph.Node, output any) bool {
	given := output
	if fe := n.ForEach; fe != nil {
		if fe.Yield != nil { // it reads an element that is not there
			return true
		}
		given = []any{output}
	}
	p.env.Slots[graph.SlotOutput] = given
	defer func() { p.env.Slots[graph.SlotOutput] = nil }()
	for i := range n.Writes {
		w := &n.Writes[i]
		p.env.Reset()
		v, err := w.Expr.Eval(p.env)
		if err != nil {
			return false
		}
		key := &p.g.Keys[w.Key]
		if _, err := key.CheckWritten(key.Name, v); err != nil {
			return false
		}
	}
	return true
}
