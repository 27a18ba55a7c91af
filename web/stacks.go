package web

import (
	"cmp"
	"math"
	"net/http"
	"net/url"
	"strconv"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/runtime/api"
)

// perPage is how many stacks a page shows.
const perPage = 50

// Groups of the list of stacks, in their order, by what the API calls them.
const waitsForYou = "waiting for you"

var groupNames = map[api.Group]string{
	api.GroupAsking: waitsForYou, api.GroupFailed: "failed", api.GroupRunning: "running",
	api.GroupPaused: "paused", api.GroupEnded: "ended",
}

// asks reports whether a person is to answer.
func asks(w api.WaitingNode) bool { return !w.Answered && (w.Kind == "approval" || len(w.Calls) > 0) }

// filter is which stacks are wanted, as the URL says it.
type filter struct {
	Text, Graph, Group string
	Page               int
}

// to is the URL of another page of the same list.
func (f *filter) to(page int) string {
	q := url.Values{}
	for name, text := range map[string]string{"q": f.Text, "graph": f.Graph, "show": f.Group} {
		if text != "" {
			q.Set(name, text)
		}
	}
	if page > 1 {
		q.Set("page", strconv.Itoa(page))
	}
	if len(q) == 0 {
		return "/"
	}
	return "/?" + q.Encode()
}

type stackRow struct {
	api.Stack
	Group string
	Note  string
	Whole string // the note, where the row has only its beginning
}

type stacksView struct {
	*parts
	Filter     filter
	Rows       []stackRow
	Graphs     []string
	Groups     []groupCount
	Total      int
	Prev, Next string
	Pages      int
}

type groupCount struct {
	Name  string
	Count int
	URL   string
}

// stacks is the page of all stacks: what needs a person comes first.
func (v *visit) stacks() error {
	version, q := v.version(), v.r.URL.Query()
	f := filter{Text: q.Get("q"), Graph: q.Get("graph"), Group: q.Get("show")}
	f.Page, _ = strconv.Atoi(q.Get("page")) // what is no number is the first page
	f.Page = min(max(1, f.Page), math.MaxInt32/perPage)
	wanted := api.OverviewQuery{Graph: f.Graph, Find: f.Text, Limit: perPage}
	for group, name := range groupNames {
		if name == f.Group {
			wanted.Group = group
		}
	}
	if f.Group != "" && wanted.Group == "" {
		f.Group = "" // there is no such group
	}
	var o api.Overview
	for first := true; first || f.Page > 1 && len(o.Stacks) == 0; first = false {
		if !first { // there are fewer pages by now
			f.Page = min(f.Page-1, max(1, (o.Found+perPage-1)/perPage))
		}
		wanted.Skip = (f.Page - 1) * perPage
		var err error
		if o, err = v.api.Overview(v.r.Context(), wanted); err != nil {
			return err
		}
	}
	view := stacksView{parts: v.parts, Filter: f, Total: o.Total, Pages: max(1, (o.Found+perPage-1)/perPage)}
	for i := range o.Stacks {
		s := &o.Stacks[i]
		view.Rows = append(view.Rows, rowOf(&s.Stack, groupNames[s.Group]))
	}
	for i := range o.Graphs {
		view.Graphs = append(view.Graphs, o.Graphs[i].Graph)
	}
	for _, g := range o.Groups {
		only := f
		only.Group = groupNames[g.Group]
		view.Groups = append(view.Groups, groupCount{only.Group, g.Count, only.to(1)})
	}
	if f.Page > 1 {
		view.Prev = f.to(f.Page - 1)
	}
	if f.Page < view.Pages {
		view.Next = f.to(f.Page + 1)
	}
	return v.write(http.StatusOK, frame{Page: "stacks", Title: "Stacks", Live: "/live", Version: version, View: view})
}

func rowOf(s *api.Stack, group string) stackRow {
	whole := noteOf(s)
	row := stackRow{Stack: *s, Group: group, Note: diag.Shorten(whole, maxBrief)}
	if len(whole) > sureNote {
		row.Whole = diag.Shorten(whole, diag.MaxMessage)
	}
	return row
}

// sureNote is the length of a note that a row shows whole on any screen, in bytes.
const sureNote = 24

// noteOf says in a few words what a stack waits for, or why it ended.
func noteOf(s *api.Stack) string {
	if s.Problem != "" || s.Reason != "" {
		return cmp.Or(s.Problem, s.Reason)
	}
	for _, w := range s.Waiting {
		if asks(w) {
			return cmp.Or(w.Prompt, w.Path+" waits for a word")
		}
	}
	switch {
	case s.Stopping:
		return "stopping"
	case s.Ending:
		return "its last nodes run"
	case !s.Driven && !s.Status.Ended():
		return "nobody runs it"
	case len(s.Waiting) > 0:
		return s.Waiting[0].Path + " waits"
	case !s.WakeAt.IsZero():
		return "pauses until " + clock(s.WakeAt)
	case !s.Open && !s.Status.Ended():
		return "waits for an event"
	}
	return ""
}
