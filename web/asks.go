package web

import (
	"cmp"
	"net/http"
	"net/url"
	"strconv"

	"github.com/graphrun/graphrun/runtime/api"
)

// ask is a question to a person, with the forms that answer it.
type ask struct {
	Top    string // the stack whose page answers it, which the path of the node is below
	Node   api.WaitingNode
	Words  []word
	Key    string // unique on the page
	Back   string // the page that follows the answer
	Linked bool   // the stack is named
	May    bool   // the session may answer
}

// word is one word that is asked for: one for an approval, and one for each call of an
// agent that needs it.
type word struct {
	ID    string
	Call  string // the id of the call; "" of an approval
	Tool  string
	Args  any
	Wants bool   // it may carry a value
	Type  string // of that value; "" if it is not known
}

// asksOf lists the questions of a stack that wait for an answer.
func (v *visit) asksOf(s *api.Stack, back string) (all []ask) {
	for _, w := range s.Waiting {
		if asks(w) {
			all = append(all, v.askOf(s.Stack, w, back, false))
		}
	}
	return all
}

func (v *visit) askOf(top string, w api.WaitingNode, back string, linked bool) ask {
	a := ask{Top: top, Node: w, Key: cmp.Or(w.Stack, top) + "-" + w.ID, Back: back, Linked: linked, May: v.operates()}
	if len(w.Calls) == 0 {
		a.Words = []word{{ID: a.Key, Wants: true}}
	}
	for i, c := range w.Calls {
		a.Words = append(a.Words, word{ID: a.Key + "-" + strconv.Itoa(i), Call: c.ID, Tool: c.Tool, Args: c.Args.V})
	}
	return a
}

// shownAsks is how many questions a page of them has.
const shownAsks = 200

type approvalsView struct {
	*parts
	Asks []ask
	Next string // the page that follows; "" after the last one
}

// approvals is a page of the questions to people in all stacks, those that have waited longest
// first.
func (v *visit) approvals() error {
	version := v.version()
	open, next, err := v.api.ApprovalsPage(v.r.Context(), "", v.r.URL.Query().Get("after"), shownAsks)
	if err != nil {
		return err
	}
	view := approvalsView{parts: v.parts}
	if next != "" {
		view.Next = "/approvals?after=" + url.QueryEscape(next)
	}
	for i := range open {
		w := open[i].WaitingNode
		w.Stack = open[i].Child
		view.Asks = append(view.Asks, v.askOf(open[i].Stack, w, "/approvals", true))
	}
	return v.write(http.StatusOK, frame{Page: "approvals", Title: "Approvals", Live: "/live", Version: version, View: view})
}
