package api

import (
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"strconv"

	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
)

const (
	// DefaultPage and MaxPage are how many stacks a page of them has.
	DefaultPage = 100
	MaxPage     = 1000

	// listBuffer is how much of a page is written at a time.
	listBuffer = 32 << 10
)

type stacksBody struct {
	Stacks []Stack `json:"stacks"`
	Next   *string `json:"next"` // ?after= of the page that follows; null after the last one
}

// listing is one page of the list of stacks.
type listing struct {
	*call
	full  bool // lines have the cursor, and are not put together with those of children
	limit uint64

	parents parents
	out     *pieces
	buf     []byte
	n       uint64
	last    string // the id of the last line
}

// errPageFull ends the reading of a page: there are more stacks than it has.
var errPageFull = errors.New("api: the page is full")

// listStacks writes a page of stacks as they are read, in the order of their ids. It reads no
// more of the store than it needs to fill the page.
func (c *call) listStacks() error {
	l := &listing{call: c, parents: parents{}, out: newPieces(c.w, jsonType)}
	var err error
	if l.full, err = c.flag("full"); err != nil {
		return err
	}
	children, err := c.flag("children")
	if err != nil {
		return err
	}
	if l.limit, err = c.limit(); err != nil {
		return err
	}
	l.buf = append(l.buf, `{"stacks":[`...)
	f := runtime.Filter{Graph: c.query["graph"], Status: journal.Status(c.query["status"]), Inner: children || l.full, After: c.query["after"]}
	if f.Inner {
		f.Within = c.who.Graph
	} else if f.Graph = cmp.Or(f.Graph, c.who.Graph); !c.seesGraph(f.Graph) {
		f.Within = c.who.Graph
	}
	err = c.engine.ListWhere(c.ctx, f, l.add)
	next := "null"
	if errors.Is(err, errPageFull) {
		err, next = nil, strconv.Quote(l.last) // ids are plain
	}
	if err == nil {
		err = l.out.write(append(l.buf, `],"next":`+next+"}\n"...))
	}
	return l.out.end(err)
}

// limit reads how much a page has at most.
func (c *call) limit() (uint64, error) {
	n, err := c.count("limit")
	if err == nil && n > MaxPage {
		err = errorf(CodeUsage, "limit %d: expected at most %d", n, MaxPage)
	}
	return cmp.Or(n, DefaultPage), err
}

// add writes the line of a stack.
func (l *listing) add(s runtime.Status) error {
	if sees, err := l.sees(s.Stack, s.Graph, s.Child); err != nil || !sees {
		return err
	}
	if l.n == l.limit {
		return errPageFull
	}
	line := stackOf(s, l.full)
	if !l.full {
		if err := l.parents.complete(l.call, &line, &s); err != nil {
			return err
		}
	}
	b, err := json.Marshal(line)
	if err != nil {
		return errorf(CodeInternal, "cannot write the answer: %v", err)
	}
	if l.n > 0 {
		l.buf = append(l.buf, ',')
	}
	l.buf = append(l.buf, b...)
	if l.n, l.last = l.n+1, s.Stack; len(l.buf) < listBuffer {
		return nil
	}
	err, l.buf = l.out.write(l.buf), l.buf[:0]
	return err
}

// parents says of definitions, by their hashes, whether their stacks may have children.
type parents map[string]bool

// complete adds to the line of a stack those of its children that are not over, or where it
// is one itself.
func (p parents) complete(c *call, line *Stack, s *runtime.Status) error {
	if s.Child {
		id := journal.Identity{Stack: s.Stack, Parent: s.Parent}
		parent, task, ok := inspect.ParentOf(&id)
		if !ok {
			return nil
		}
		top, place, err := inspect.Outermost(c.ctx, c.o.Store, &id)
		switch {
		case errors.Is(err, runtime.ErrNotFound): // of a stack that has gone
			line.Parent, line.Path = parent, journal.Spot{Node: task.Node, Item: task.Item}.String()
			return nil
		case err == nil:
			line.Parent, line.Path = top.Stack, place.String()
		}
		return err
	}
	if s.Cursor.Status.Ended() || s.Cursor.Hash == "" || !p.runGraphs(c, s.Cursor.Hash) {
		return nil
	}
	within, err := inspect.Children(c.ctx, c.o.Store, s.Stack, false)
	if errors.Is(err, runtime.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	slices.SortStableFunc(within, func(a, b inspect.Child) int { return cmp.Compare(a.Place.String(), b.Place.String()) })
	for i := range within {
		id, at, cur := &within[i].Summary.Identity, within[i].Place.String(), &within[i].Summary.Cursor
		if cur.Status.Ended() {
			continue
		}
		line.Children = append(line.Children, Child{id.Stack, id.Graph, at, cur.Status})
		for _, w := range cur.Questions() {
			wait := waitingNode(&w)
			wait.Stack, wait.Path = id.Stack, at+"/"+wait.Path
			line.Waiting = append(line.Waiting, wait)
		}
	}
	line.dropNodes()
	return nil
}

// runGraphs reports whether stacks of a definition may have children.
func (p parents) runGraphs(c *call, hash string) bool {
	runs, ok := p[hash]
	if ok {
		return runs
	}
	var d struct {
		Nodes, Tools []struct{ Graph json.RawMessage }
	}
	kept, err := c.o.Store.Graph(c.ctx, hash)
	runs = err != nil || json.Unmarshal(kept.Def, &d) != nil
	for _, list := range [][]struct{ Graph json.RawMessage }{d.Nodes, d.Tools} {
		for i := range list {
			runs = runs || list[i].Graph != nil
		}
	}
	p[hash] = runs
	return runs
}
