package api

import (
	"context"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
)

// Group says what a stack needs of a person: `asking` (a person is to answer it, or a stack
// within it), `failed` (it has failed, cannot be read or continued, or has parked tasks),
// `running`, `paused`, `ended` (completed or cancelled).
type Group = runtime.Group

// Groups of stacks.
const (
	GroupAsking  = runtime.GroupAsking
	GroupFailed  = runtime.GroupFailed
	GroupRunning = runtime.GroupRunning
	GroupPaused  = runtime.GroupPaused
	GroupEnded   = runtime.GroupEnded
)

// Overview is where the stacks stand, and a page of them by what they need of a person: the
// most urgent group first, by id within a group.
type Overview struct {
	Total  int               `json:"total"`  // stacks
	Groups []GroupCount      `json:"groups"` // all groups, the most urgent first
	Graphs []GraphCount      `json:"graphs"` // that have stacks, sorted by name
	Found  int               `json:"found"`  // stacks that the query means
	Stacks []OverviewedStack `json:"stacks"`
}

// GroupCount is how many stacks are in a group.
type GroupCount struct {
	Group Group `json:"group"`
	Count int   `json:"count"`
}

// GraphCount is how many stacks of a graph there are.
type GraphCount struct {
	Graph  string       `json:"graph"`
	Groups []GroupCount `json:"groups"` // all groups, the most urgent first
}

// OverviewedStack is a stack with its group.
type OverviewedStack struct {
	Stack
	Group Group `json:"group"`
}

// Group says what the stack needs of a person.
func (s *Stack) Group() Group {
	switch {
	case !s.Status.Ended() && slices.ContainsFunc(s.Waiting, func(w WaitingNode) bool { return !w.Answered && (w.Kind == "approval" || len(w.Calls) > 0) }):
		return GroupAsking
	case s.Status == journal.Failed || s.Problem != "" || len(s.Parked) > 0:
		return GroupFailed
	case s.Status.Ended():
		return GroupEnded
	case s.Status == journal.Paused:
		return GroupPaused
	}
	return GroupRunning
}

// overview answers the front page of a person who looks after the stacks.
func (c *call) overview() (Overview, error) {
	out := Overview{Groups: []GroupCount{}, Graphs: []GraphCount{}, Stacks: []OverviewedStack{}}
	limit, err := c.limit()
	if err != nil {
		return out, err
	}
	skip, err := c.count("skip")
	if err != nil {
		return out, err
	}
	group := Group(c.query["group"])
	if group != "" && !slices.Contains(runtime.Groups(), group) {
		return out, errorf(CodeUsage, "group %q: expected one of %v", group, runtime.Groups())
	}
	engine, err := can[Overviewer](c, "count stacks by what they need of a person")
	if err != nil {
		return out, err
	}
	found, err := engine.Overview(c.ctx, runtime.OverviewQuery{Of: c.who.Graph, Graph: c.query["graph"], Group: group,
		Text: c.query["find"], Skip: int(min(skip, math.MaxInt32)), Limit: int(limit)})
	if err != nil {
		return out, err
	}
	out.Groups, out.Found = groupCounts(found.Groups), found.Found
	for _, g := range out.Groups {
		out.Total += g.Count
	}
	for _, name := range slices.Sorted(maps.Keys(found.Graphs)) {
		out.Graphs = append(out.Graphs, GraphCount{name, groupCounts(found.Graphs[name])})
	}
	of := parents{}
	for i := range found.Stacks {
		s := &found.Stacks[i]
		line := OverviewedStack{stackOf(s.Status, false), s.Group}
		if err := of.complete(c, &line.Stack, &s.Status); err != nil {
			return out, err
		}
		out.Stacks = append(out.Stacks, line)
	}
	return out, nil
}

func groupCounts(of map[Group]int) (out []GroupCount) {
	for _, g := range runtime.Groups() {
		out = append(out, GroupCount{g, of[g]})
	}
	return out
}

// OverviewQuery says which stacks an Overview lists. The zero value of a field means any.
type OverviewQuery struct {
	Graph string
	Group Group
	Find  string // a text that the id has, or the first 100 bytes of the reason
	Skip  int    // so many are left out at the front
	Limit int    // 1 to MaxPage; 0 means DefaultPage
}

// Overview is where the stacks stand, and a page of them by what they need of a person.
func (c *Client) Overview(ctx context.Context, q OverviewQuery) (o Overview, err error) {
	v := url.Values{}
	for name, text := range map[string]string{"graph": q.Graph, "group": string(q.Group), "find": q.Find} {
		if text != "" {
			v.Set(name, text)
		}
	}
	for name, n := range map[string]int{"skip": q.Skip, "limit": q.Limit} {
		if n > 0 {
			v.Set(name, strconv.Itoa(n))
		}
	}
	err = c.call(ctx, http.MethodGet, "/v1/overview?"+v.Encode(), nil, &o)
	return o, err
}
