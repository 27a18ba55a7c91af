package web

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/runtime/api"
)

// definition is a stored definition, compiled.
func (v *visit) definition(hash string) (*graph.Graph, error) {
	return inspect.Definition(v.r.Context(), v.o.Store, v.o.Kinds, hash)
}

// graphOf is the graph of a stack's open or next cycle.
func (v *visit) graphOf(id string) (*graph.Graph, error) {
	sum, err := v.o.Store.Stack(v.r.Context(), id)
	if err != nil {
		return nil, err
	}
	return v.definition(sum.Cursor.Hash)
}

type graphsView struct {
	Graphs  []graphRow
	Refused []api.Refused
}

type graphRow struct {
	api.Graph
	Groups []groupCount
}

// graphs is the page of all graphs that are served.
func (v *visit) graphs() error {
	served, err := v.api.Graphs(v.r.Context())
	if err != nil {
		return err
	}
	version := v.version()
	o, err := v.api.Overview(v.r.Context(), api.OverviewQuery{Limit: 1})
	if err != nil {
		return err
	}
	var view graphsView
	for _, g := range served {
		view.Graphs = append(view.Graphs, graphRow{g, countsOf(&o, g.Graph)})
	}
	if v.o.Problems != nil && v.who.Graph == "" {
		view.Refused = v.o.Problems()
	}
	return v.write(http.StatusOK, frame{Page: "graphs", Title: "Graphs", Live: "/live", Version: version, View: view})
}

// countsOf says how many stacks of a graph there are in each group that has some.
func countsOf(o *api.Overview, name string) (out []groupCount) {
	for i := range o.Graphs {
		for _, c := range o.Graphs[i].Groups {
			if o.Graphs[i].Graph == name && c.Count > 0 {
				f := filter{Graph: name, Group: groupNames[c.Group]}
				out = append(out, groupCount{f.Group, c.Count, f.to(1)})
			}
		}
	}
	return out
}

type graphView struct {
	*parts
	Graph   api.Graph
	Within  string  // the name of a graph within it, which is drawn in its place; else ""
	Above   []crumb // the graphs that one is within
	About   string
	Source  string
	Drawn   drawing
	Groups  []groupCount
	Where   []whereRow
	Most    bool          // it is about the most urgent stacks only: there are more than a page has
	Refused []api.Refused // its file, if a newer text of it is refused
	Warned  []warning
	Given   map[string]string
	Plan    *inspect.Plan
	NoPlan  string
	MayTest bool // the session may send a text
	Edited  string
	Test    *inspect.Backtest
	NoTest  string
}

// warning is a problem of a graph that does not keep it from running.
type warning struct {
	Code diag.Code
	Text string // with its place, and the line there
	Docs string // where its kind is explained
}

// explainedAt is the page with a section for each kind of problem.
const explainedAt = "https://github.com/graphrun/graphrun/blob/main/docs/checks.md#"

func (v *visit) warningsOf(name string) (all []warning) {
	if v.o.Warnings == nil {
		return nil
	}
	problems, texts := v.o.Warnings(name)
	for _, d := range problems {
		var b strings.Builder
		if err := diag.Render(&b, diag.List{d}, texts, diag.Options{}); err != nil {
			continue // a Builder takes everything
		}
		all = append(all, warning{d.Code, strings.TrimSpace(b.String()), explainedAt + string(d.Code)})
	}
	return all
}

// whereRow is where stacks of a graph are: a node that runs or waits in them.
type whereRow struct {
	Node   string
	Stacks []string
	More   int
}

// shownWhere bounds the stacks that a row names.
const shownWhere = 8

// graph is the page of a graph that is served: what it is, where its stacks are, and what
// the first cycle of a new one would do.
func (v *visit) graph() error { return v.graphPage(http.StatusOK, func(*graphView) {}) }

// graphPage shows a graph, with what else a form found out.
func (v *visit) graphPage(status int, more func(*graphView)) error {
	name := v.r.PathValue("graph")
	served, err := v.api.Graphs(v.r.Context())
	if err != nil {
		return err
	}
	i := slices.IndexFunc(served, func(g api.Graph) bool { return g.Graph == name })
	g, source, ok := (*graph.Graph)(nil), []byte(nil), false
	if i >= 0 && v.o.Graphs != nil {
		g, source, ok = v.o.Graphs.Graph(name)
	}
	if !ok {
		return &api.Error{Code: api.CodeNotFound, Message: "no graph of this name is served"}
	}
	version := v.version()
	o, err := v.api.Overview(v.r.Context(), api.OverviewQuery{Graph: name, Limit: api.MaxPage})
	if err != nil {
		return err
	}
	view := graphView{parts: v.parts, Graph: served[i], About: g.Def.Description, Source: string(source), Groups: countsOf(&o, name), Given: map[string]string{}}
	view.Where, view.Most = whereOf(o.Stacks), o.Found > api.MaxPage
	path := v.r.URL.Query().Get("in")
	drawn, above, err := descend(g, path)
	if err != nil {
		return err
	}
	if view.Drawn, err = v.drawGraph(drawn, name, path); err != nil {
		return err
	}
	if view.Above = above; path != "" {
		view.Within = drawn.Name
	}
	view.Warned = v.warningsOf(name)
	if v.o.Problems != nil {
		for _, r := range v.o.Problems() {
			if strings.HasSuffix(g.Def.File, r.File) {
				view.Refused = append(view.Refused, r)
			}
		}
	}
	if q := v.r.URL.Query(); q.Has("plan") {
		v.plan(&view, g)
	}
	view.MayTest, view.Edited = v.o.Read != nil && v.who.Role == api.RoleAdmin, view.Source
	more(&view)
	return v.write(status, frame{Page: "graph", Title: name, Live: "/live", Version: version, View: view})
}

// plan says what the first cycle of a new stack would do with the params of the form.
func (v *visit) plan(view *graphView, g *graph.Graph) {
	params := map[string]any{}
	for _, p := range view.Graph.Params {
		text := v.r.URL.Query().Get("param." + p.Name)
		if view.Given[p.Name] = text; text == "" {
			continue
		}
		x, err := view.Graph.ReadParam(p.Name, text)
		if err != nil {
			view.NoPlan = p.Name + ": " + err.Error()
			return
		}
		params[p.Name] = x
	}
	var init map[string]any
	if text := v.r.URL.Query().Get("state"); text != "" {
		view.Given["state"] = text
		x, err := value.Decode([]byte(text))
		if init, _ = x.(map[string]any); err != nil || init == nil {
			view.NoPlan = "the state is not a JSON object of keys and values"
			return
		}
	}
	p, err := inspect.PlanGraph(g, params, init, time.Now())
	if err != nil {
		view.NoPlan = err.Error()
		return
	}
	view.Plan = &p
}

// whereOf lists the nodes that something waits at, with the stacks.
func whereOf(all []api.OverviewedStack) (rows []whereRow) {
	at := map[string][]string{}
	for i := range all {
		s := &all[i].Stack
		if s.Status.Ended() {
			continue
		}
		for _, w := range s.Waiting {
			if n := len(at[w.Path]); n == 0 || at[w.Path][n-1] != s.Stack {
				at[w.Path] = append(at[w.Path], s.Stack)
			}
		}
	}
	for _, node := range slices.Sorted(maps.Keys(at)) {
		row := whereRow{Node: node, Stacks: at[node]}
		if row.More = max(0, len(row.Stacks)-shownWhere); row.More > 0 {
			row.Stacks = row.Stacks[:shownWhere]
		}
		rows = append(rows, row)
	}
	return rows
}

// testedStacks bounds the stacks that an edited text is tested against: the first by id.
const testedStacks = 100

// backtest says what the stacks of a graph would have done under an edited text. As a text
// says which programs are run, only those who may start one may send it; nothing is run here.
func (v *visit) backtest() error {
	if v.o.Read == nil || v.who.Role != api.RoleAdmin {
		return &api.Error{Code: api.CodeForbidden, Message: "only an admin may send the text of a graph"}
	}
	name, text := v.r.PathValue("graph"), v.r.PostFormValue("text")
	var test *inspect.Backtest
	problem := ""
	served, _, ok := v.o.Graphs.Graph(name)
	if !ok {
		return &api.Error{Code: api.CodeNotFound, Message: "no graph of this name is served"}
	}
	g, err := v.o.Read(served.Def.File, []byte(text))
	if err == nil {
		var out inspect.Backtest
		if out, err = v.backtestOf(g, name); err == nil {
			test = &out
		}
	}
	status := http.StatusOK
	if err != nil {
		problem, status = err.Error(), http.StatusUnprocessableEntity
	}
	v.w.Header().Set("HX-Push-Url", "false")
	return v.graphPage(status, func(view *graphView) { view.Edited, view.Test, view.NoTest = text, test, problem })
}

func (v *visit) backtestOf(g *graph.Graph, name string) (inspect.Backtest, error) {
	var stacks []string
	_, err := v.api.StacksPage(v.r.Context(), api.StackQuery{Graph: name}, "", testedStacks, func(s api.Stack) error {
		stacks = append(stacks, s.Stack)
		return nil
	})
	if err != nil {
		return inspect.Backtest{}, err
	}
	return inspect.BacktestOf(v.r.Context(), v.o.Store, v.o.Kinds, g, stacks, 0)
}

type poolsView struct {
	Pools     []api.Pool
	May       bool           // the session may change limits
	All       bool           // the session is for all graphs, which share providers
	Providers []api.Provider // that were asked
}

// pools is the page of pools: what runs and waits in each.
func (v *visit) pools() error {
	version := v.version()
	all, err := v.api.Pools(v.r.Context())
	if err != nil {
		return err
	}
	slices.SortStableFunc(all, func(a, b api.Pool) int {
		return cmp.Or(cmp.Compare(b.Queued, a.Queued), cmp.Compare(a.Graph, b.Graph), cmp.Compare(a.Pool, b.Pool))
	})
	view := poolsView{Pools: all, May: v.operates(), All: v.who.Graph == ""}
	if view.All {
		if view.Providers, err = v.api.Providers(v.r.Context()); err != nil {
			return err
		}
	}
	return v.write(http.StatusOK, frame{Page: "pools", Title: "Pools and providers", Live: "/live", Version: version, View: view})
}

// setPool changes the limit of a pool.
func (v *visit) setPool() error {
	n, err := strconv.Atoi(v.r.PostFormValue("parallel"))
	if err != nil {
		return &api.Error{Code: api.CodeUsage, Message: "parallel: expected a whole number"}
	}
	if err := v.api.SetPool(v.r.Context(), v.r.PostFormValue("graph"), v.r.PostFormValue("pool"), n); err != nil {
		return err
	}
	http.Redirect(v.w, v.r, "/pools", http.StatusSeeOther)
	return nil
}
