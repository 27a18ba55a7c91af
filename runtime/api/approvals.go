package api

import (
	"errors"
	"strings"
	"time"

	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/runtime"
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
	Next      *string    `json:"next"` // ?after= of the page that follows; null after the last one
}

// approvals lists what waits for a person in all stacks, the oldest question first.
func (c *call) approvals() (approvalsBody, error) {
	body := approvalsBody{Approvals: []Approval{}}
	limit, err := c.limit()
	if err != nil {
		return body, err
	}
	var last runtime.Question
	if after := c.query["after"]; after != "" {
		var ok bool
		if last, ok = readQuestion(after); !ok {
			return body, errorf(CodeUsage, "after %q: expected the `next` of a page", after)
		}
	}
	graph := c.query["graph"]
	if graph == "" {
		graph = c.who.Graph
	}
	if !c.seesGraph(graph) {
		return body, nil
	}
	engine, err := can[Asker](c, "list what waits for a person in all stacks")
	if err != nil {
		return body, err
	}
	err = engine.Asked(c.ctx, graph, last, func(q runtime.Question, a inspect.Asked) error {
		if uint64(len(body.Approvals)) == limit {
			next := questionText(&last)
			body.Next = &next
			return errPageFull
		}
		w := waitingNode(&a.Waiting)
		w.Path = a.Place.String()
		body.Approvals = append(body.Approvals, Approval{a.Stack, a.Graph, a.Child, w})
		last = q
		return nil
	})
	if errors.Is(err, errPageFull) {
		err = nil
	}
	return body, err
}

// questionText is ?after= for what follows a question. None of its parts has a slash.
func questionText(q *runtime.Question) string {
	return strings.Join([]string{q.Since.UTC().Format(time.RFC3339Nano), q.Top, q.Stack, q.ID}, "/")
}

// readQuestion reads what questionText wrote.
func readQuestion(text string) (q runtime.Question, ok bool) {
	parts := strings.Split(text, "/")
	if len(parts) != 4 {
		return q, false
	}
	since, err := time.Parse(time.RFC3339Nano, parts[0])
	return runtime.Question{Since: since, Top: parts[1], Stack: parts[2], ID: parts[3]}, err == nil
}
