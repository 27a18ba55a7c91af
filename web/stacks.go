package web

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime/api"
)

// perPage is how many stacks a page shows.
const perPage = 100

// fresh is how long a list of all stacks is shown again without another look, and
// kept is how long one is in which nothing has been committed since.
const (
	fresh = 300 * time.Millisecond
	kept  = 2 * time.Second
)

// listing is a list of all stacks as a session may see them.
type listing struct {
	at     time.Time
	news   uint64
	stacks []api.Stack
}

// all lists the stacks that the session may see, by id, as of a version.
func (v *visit) all() (*listing, error) {
	news := v.news.Load()
	v.mu.Lock()
	last := v.recent[v.token]
	v.mu.Unlock()
	if last != nil {
		if age := time.Since(last.at); age < fresh || age < kept && last.news == news {
			return last, nil
		}
	}
	now := &listing{at: time.Now(), news: news}
	err := v.api.StacksWhere(v.r.Context(), api.StackQuery{}, func(s api.Stack) error {
		now.stacks = append(now.stacks, s)
		return nil
	})
	if err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.recent) > maxListings {
		clear(v.recent)
	}
	v.recent[v.token] = now
	return now, nil
}

// forgetLists has the next page look again.
func (h *Handler) forgetLists() {
	h.mu.Lock()
	defer h.mu.Unlock()
	clear(h.recent)
}

// maxListings bounds the lists that are kept.
const maxListings = 20

// Groups of the list of stacks, in their order.
const (
	waitsForYou = "waiting for you"
	troubled    = "failed"
	atWork      = "running"
	resting     = "paused"
	ended       = "ended"
)

var groups = []string{waitsForYou, troubled, atWork, resting, ended}

// groupOf says what a stack needs of a person.
func groupOf(s *api.Stack) string {
	switch {
	case !s.Status.Ended() && slices.ContainsFunc(s.Waiting, asks):
		return waitsForYou
	case s.Status == journal.Failed || s.Problem != "" || len(s.Parked) > 0:
		return troubled
	case s.Status.Ended():
		return ended
	case s.Status == journal.Paused:
		return resting
	}
	return atWork
}

// asks reports whether a person is to answer.
func asks(w api.WaitingNode) bool { return !w.Answered && (w.Kind == "approval" || len(w.Calls) > 0) }

// filter is which stacks are wanted, as the URL says it.
type filter struct {
	Text, Graph, Group string
	Page               int
}

func (f *filter) takes(s *api.Stack, group string) bool {
	return (f.Text == "" || strings.Contains(s.Stack, f.Text) || strings.Contains(s.Reason, f.Text)) &&
		(f.Graph == "" || f.Graph == s.Graph) && (f.Group == "" || f.Group == group)
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
}

type stacksView struct {
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
	list, err := v.all()
	if err != nil {
		return err
	}
	all, version := list.stacks, v.versionAt(list.news)
	q := v.r.URL.Query()
	f := filter{Text: q.Get("q"), Graph: q.Get("graph"), Group: q.Get("show")}
	f.Page, _ = strconv.Atoi(q.Get("page")) // what is no number is the first page
	view := stacksView{Total: len(all)}
	counts, graphs := map[string]int{}, map[string]bool{}
	byGroup := map[string][]stackRow{}
	for i := range all {
		group := groupOf(&all[i])
		counts[group]++
		graphs[all[i].Graph] = true
		if f.takes(&all[i], group) {
			byGroup[group] = append(byGroup[group], stackRow{all[i], group, diag.Shorten(noteOf(&all[i]), maxBrief)})
		}
	}
	for _, group := range groups {
		view.Rows = append(view.Rows, byGroup[group]...)
		only := f
		only.Group = group
		view.Groups = append(view.Groups, groupCount{group, counts[group], only.to(1)})
	}
	for name := range graphs {
		view.Graphs = append(view.Graphs, name)
	}
	slices.Sort(view.Graphs)
	view.Pages = max(1, (len(view.Rows)+perPage-1)/perPage)
	f.Page = min(max(1, f.Page), view.Pages)
	if f.Page > 1 {
		view.Prev = f.to(f.Page - 1)
	}
	if f.Page < view.Pages {
		view.Next = f.to(f.Page + 1)
	}
	view.Filter = f
	view.Rows = view.Rows[(f.Page-1)*perPage : min(len(view.Rows), f.Page*perPage)]
	v.write(v.w, http.StatusOK, frame{Page: "stacks", Title: "Stacks", Stamp: stamp, Live: "/live", Version: version, View: view})
	return nil
}

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
