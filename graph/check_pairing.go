package graph

import (
	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/cond"
)

// checkPairing warns of `writes` that pair the elements of `output` with others by their
// places, where `output` may lack elements: what follows one that is left out moves up.
func (c *compiler) checkPairing() {
	for i := range c.g.Nodes {
		n := &c.g.Nodes[i]
		var why string
		switch f := n.ForEach; {
		case f == nil || f.OnFailure == Keep:
			continue
		case f.OnFailure == Skip:
			why = "`on_failure: skip` leaves out elements that failed"
		case f.Until != nil:
			why = "`until` leaves out elements that did not end"
		default:
			continue
		}
		lists := []string{"output"}
		if n.Kind.Talks {
			lists = append(lists, "messages", "usage")
		}
		for _, w := range n.Writes {
			if w.Expr == nil {
				continue
			}
			if at, found := cond.Pairing(w.Expr.Text(), lists...); found {
				c.diags.Add(diag.IndexPairing, at,
					"give each element what belongs to it with `yield`, read `results`, which has the `item` of each `output`, or keep the places with `on_failure: keep`",
					"this pairs elements by their places in `output`, and %s", why)
			}
		}
	}
}
