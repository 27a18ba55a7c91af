package web

import (
	"fmt"
	"net/url"
	"strconv"

	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
)

// scrubber leads to the moments of a stack's history.
type scrubber struct {
	Path        string
	First, Last uint64 // cycles that can be shown
	Cycle       uint64 // that is shown
	Past        bool   // it is a moment of the past, not now
	Prev, Next  string // the cycle before and after; "" for none
	Waves       []waveLink
	At          string // the moment, as fork and diff take it
	Tested      string // the cycles that a test is made of, as A..B
	Against     string // what the state is compared with; "" is the end of the cycle before
}

// waveLink is a moment within the cycle that is shown.
type waveLink struct {
	Text, URL string
	Chosen    bool
}

// scrub finds the moments around the one that is shown. open says that the last cycle is not
// finished.
func (v *visit) scrub(id string, at journal.Point, last uint64, open bool, t *timeline) (scrubber, error) {
	base, err := v.o.Store.Base(v.r.Context(), id, journal.Beginning)
	if err != nil {
		return scrubber{}, err
	}
	q := v.r.URL.Query()
	s := scrubber{Path: pathTo(id), First: base.Cursor.Cycle, Last: last, Cycle: last, At: strconv.FormatUint(last, 10), Against: q.Get("against")}
	if s.Past = q.Get("at") != ""; s.Past {
		s.Cycle, s.At = at.Cycle, at.String()
	}
	over := s.Cycle
	if open && s.Cycle == last {
		over-- // a test is of cycles that are finished
	}
	if over >= max(s.First, 1) {
		s.Tested = fmt.Sprintf("%d..%d", over, over)
	}
	to := func(moment string) string {
		keep := url.Values{}
		for _, name := range []string{"node", "edge", "all"} {
			if text := q.Get(name); text != "" {
				keep.Set(name, text)
			}
		}
		if moment != "" {
			keep.Set("at", moment)
		}
		if len(keep) == 0 {
			return s.Path
		}
		return s.Path + "?" + keep.Encode()
	}
	if s.Cycle > s.First {
		s.Prev = to(strconv.FormatUint(s.Cycle-1, 10))
	}
	switch {
	case s.Cycle+1 < s.Last:
		s.Next = to(strconv.FormatUint(s.Cycle+1, 10))
	case s.Past:
		s.Next = to("")
	}
	if t != nil && s.Cycle > 0 {
		chosen := q.Get("at")
		cycle := strconv.FormatUint(s.Cycle, 10)
		add := func(text, moment string) {
			s.Waves = append(s.Waves, waveLink{text, to(moment), moment == chosen})
		}
		add("begins", cycle+".0")
		for _, w := range t.Waves {
			n := strconv.FormatUint(w.Wave, 10)
			add("wave "+n, cycle+"."+n)
		}
	}
	return s, nil
}

// asOf is an explanation as it stood when a wave was committed: what was decided and what
// ended later is not known yet.
func asOf(x inspect.Explanation, at journal.Point) inspect.Explanation {
	if at.Wave == 0 && !at.Start {
		return x
	}
	nodes := make([]inspect.ExplainedNode, len(x.Nodes))
	copy(nodes, x.Nodes)
	for i := range nodes {
		n := &nodes[i]
		n.Waits = nil
		if n.Run != nil && n.Wave > 0 && n.Wave <= at.Wave {
			continue
		}
		n.Run, n.Status, n.Reason, n.Wave, n.Join.Live = nil, "pending", "", 0, 0
		n.Edges = append([]inspect.ExplainedEdge(nil), n.Edges...)
		for k := range n.Edges {
			n.Edges[k].Live, n.Edges[k].Why, n.Edges[k].Condition = nil, "not-settled", nil
		}
	}
	x.Nodes, x.Waits = nodes, nil
	return x
}
