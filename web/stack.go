package web

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/runtime/api"
)

// shownCycles is how many of the last cycles a stack's page lists.
const shownCycles = 20

type stackView struct {
	*parts
	Stack  api.StackStatus
	Group  string
	Above  []crumb // the stacks that it is within, the outermost first
	May    bool    // the session may control it
	At     string  // the moment that is shown, as CYCLE[.WAVE]; "" is now
	Cycle  uint64
	Wave   uint64
	Asks   []ask
	State  []stateRow
	Past   string // why the state of that moment cannot be shown
	Cycles []cycleRow
	Why    inspect.Explanation
	NoWhy  string // why nothing is explained
	Drawn  drawing
	Chosen *explained // nil if nothing is
	Time   *timeline  // nil before the first cycle, and where it is not kept
	Inbox  inbox
	Form   sentForm
	Scrub  scrubber
	Talks  []conversation
	All    bool   // long lists are shown whole
	ToAll  string // the page with them
}

// fewNodes is how many nodes are listed without being asked for.
const fewNodes = 40

// ListNodes says whether the nodes are listed.
func (v *stackView) ListNodes() bool { return v.All || len(v.Why.Nodes) <= fewNodes }

// nodeRow is a line of the list of nodes.
type nodeRow struct {
	inspect.ExplainedNode
	Cycle uint64
	URL   string
}

// NodeRow is the line of a node.
func (v *stackView) NodeRow(n inspect.ExplainedNode) nodeRow {
	return nodeRow{n, v.Why.Cycle, choice{Path: pathTo(v.Stack.Stack.Stack), At: v.At, All: v.All}.to(n.Node, "")}
}

// cycleRow is a line of the list of cycles.
type cycleRow struct {
	inspect.Cycle
	URL string
}

// sentForm is what was sent and refused, so that it can be mended.
type sentForm struct{ Event, Payload string }

type stateRow struct {
	Key     string
	Value   any
	By      *journal.By
	Changes []inspect.Operation // since the end of the cycle before
}

// stack is the page of one stack, now or at a moment of its history.
func (v *visit) stack() error { return v.stackPage(http.StatusOK, nil) }

// stackPage shows it with what went wrong with a form, if something did.
func (v *visit) stackPage(status int, problem error) error {
	id, version := v.r.PathValue("stack"), v.version()
	st, err := v.api.Status(v.r.Context(), id) // which also says whether the session may see it
	if err != nil {
		return err
	}
	view := &stackView{parts: v.parts, Stack: st, Group: groupNames[st.Group()], May: v.operates(), At: v.r.URL.Query().Get("at"), Cycle: st.Cycle, Wave: st.Wave}
	at, err := journal.ParsePoint(view.At)
	if err != nil {
		return &api.Error{Code: api.CodeUsage, Message: "at: " + err.Error()}
	}
	view.Asks = v.asksOf(&st.Stack, pathTo(id))
	if err := v.fillState(view, id, at); err != nil {
		view.Past = err.Error()
	}
	if view.At != "" && at.Cycle == 0 {
		view.NoWhy = "Nothing is decided at the beginning."
	} else if view.Why, err = v.explain(id, at.Cycle); err != nil {
		view.NoWhy = err.Error()
	} else if view.At != "" {
		view.Why = asOf(view.Why, at)
	}
	q := v.r.URL.Query()
	c := choice{Path: pathTo(id), At: view.At, All: q.Has("all"), Node: q.Get("node"), Edge: q.Get("edge")}
	view.All, view.ToAll = c.All, choice{Path: c.Path, At: c.At, All: true}.to(c.Node, c.Edge)
	view.Chosen = explainedIn(&view.Why, c)
	var g *graph.Graph
	if view.Why.Hash != "" {
		g, _ = v.definition(view.Why.Hash) // what is drawn does without
	}
	if view.Drawn, err = v.drawStack(&view.Why, g, c); err != nil {
		return err
	}
	sum, err := v.o.Store.Stack(v.r.Context(), id)
	if err != nil {
		return err
	}
	if err := v.fillWithin(view, &sum.Identity, g, view.At == ""); err != nil {
		return err
	}
	if view.Time, err = v.timelineOf(id, view.Why.Cycle, sum.Cursor.Cycle, view.All); err != nil {
		return err
	}
	if view.Scrub, err = v.scrub(id, at, sum.Cursor.Cycle, sum.Cursor.Open, view.Time); err != nil {
		return err
	}
	if view.Talks, err = v.talksOf(id, view.Why.Cycle, sum.Cursor.Cycle); err != nil {
		return err
	}
	if view.Inbox, err = v.inboxOf(id, &sum.Cursor, st.Queued); err != nil && view.NoWhy == "" {
		view.NoWhy = err.Error()
	}
	if problem != nil {
		view.Form = sentForm{v.r.PostFormValue("event"), v.r.PostFormValue("payload")}
	}
	h, err := inspect.HistoryOf(v.r.Context(), v.o.Store, v.o.Kinds, id, shownCycles)
	if err != nil && !errors.Is(err, journal.ErrNotFound) {
		return err
	}
	for _, one := range slices.Backward(h.Cycles) {
		view.Cycles = append(view.Cycles, cycleRow{one, choice{Path: c.Path, At: strconv.FormatUint(one.Cycle, 10), All: c.All}.to("", "")})
	}
	f := frame{Page: "stack", Title: id, Live: "/live?stack=" + id, Version: version, View: view}
	if view.At != "" {
		f.Live = "" // the past stays as it is
	}
	if problem != nil {
		f.Error = problem.Error()
		v.w.Header().Set("HX-Push-Url", "false") // the page stays that of the stack
	}
	return v.write(status, f)
}

// fillState reads the state of a moment, who wrote it, and what its cycle changed.
func (v *visit) fillState(view *stackView, id string, at journal.Point) error {
	ctx := v.r.Context()
	then, by, err := inspect.Written(ctx, v.o.Store, v.o.Kinds, id, at)
	if err != nil {
		return err
	}
	view.Cycle, view.Wave = then.Point.Cycle, then.Point.Wave
	changes := map[string][]inspect.Operation{}
	if before := then.Point.Cycle; before > 0 {
		from := journal.Point{Cycle: before - 1, Start: before == 1}
		if text := v.r.URL.Query().Get("against"); text != "" {
			if from, err = journal.ParsePoint(text); err != nil {
				return fmt.Errorf("compare with: %w", err)
			}
		}
		d, err := inspect.DiffOf(ctx, v.o.Store, v.o.Kinds, id, from, at)
		if err == nil { // without the history before, nobody knows what changed
			for _, op := range d.Operations {
				changes[op.Key] = append(changes[op.Key], op)
			}
		}
	}
	for key, value := range then.State {
		row := stateRow{Key: key, Value: value, Changes: changes[key]}
		if w, ok := by[key]; ok {
			row.By = &w
		}
		view.State = append(view.State, row)
	}
	slices.SortFunc(view.State, func(a, b stateRow) int { return cmp.Compare(a.Key, b.Key) })
	return nil
}

// explain says why the nodes of a stack ran or did not.
func (v *visit) explain(id string, cycle uint64) (inspect.Explanation, error) {
	live, err := v.api.Live(v.r.Context(), id)
	if err != nil {
		return inspect.Explanation{}, err
	}
	x, err := inspect.Explain(v.r.Context(), v.o.Store, v.o.Kinds, id, inspect.ExplainOptions{Cycle: cycle, Now: time.Now(), Live: live, Compile: v.o.Compile})
	var none *inspect.UnknownCycleError
	var unknown *machine.UnknownNodeError
	if errors.As(err, &none) || errors.As(err, &unknown) {
		return x, &api.Error{Code: api.CodeUsage, Message: err.Error()}
	}
	return x, err
}
