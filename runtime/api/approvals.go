package api

import (
	"github.com/graphrun/graphrun/graph/inspect"
)

// Approval is a question that waits for a person. POST /v1/stacks/{stack}/answers with the
// Path as `node` answers it.
type Approval struct {
	Stack       string `json:"stack"`          // the outermost one
	Graph       string `json:"graph"`          // of that stack
	Child       string `json:"child,omitzero"` // the stack within it that asks; absent if it asks itself
	WaitingNode        // without Stack
}

type approvalsBody struct {
	Approvals []Approval `json:"approvals"`
}

// approvals lists what waits for a person in all stacks, the oldest question first.
func (c *call) approvals() (approvalsBody, error) {
	body := approvalsBody{[]Approval{}}
	all, err := inspect.AllAsked(c.ctx, c.o.Store)
	for i := range all {
		a := &all[i]
		if graph := c.query["graph"]; graph != "" && graph != a.Graph || !c.seesGraph(a.Graph) {
			continue
		}
		w := waitingNode(&a.Waiting)
		w.Path = a.Place.String()
		body.Approvals = append(body.Approvals, Approval{a.Stack, a.Graph, a.Child, w})
	}
	return body, err
}
