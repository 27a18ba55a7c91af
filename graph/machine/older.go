package machine

import (
	"bytes"
	"slices"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
)

// sameRecord reports whether a replay decided a record again as it is. Earlier versions
// recorded less of elements, no writers, fewer early verdicts, and those in another order;
// and they named a key as changed whose `keep` left the same list. That is no difference.
func (p *replay) sameRecord(rec, now journal.Record) bool {
	if quickSame(&rec, &now) {
		return true
	}
	p.was = journal.AppendRecord(p.was[:0], rec, true)
	p.is = journal.AppendRecord(p.is[:0], now, true)
	return bytes.Equal(p.was, p.is) || bytes.Equal(p.was, journal.AppendRecord(nil, bare(p.m.g, rec, now), true))
}

// quickSame reports that two records are the same, where that can be seen without their
// bytes. It is false for others that are the same.
func quickSame(a, b *journal.Record) bool {
	if a.Seq != b.Seq || a.Cycle != b.Cycle || a.Stack != b.Stack || a.Time != b.Time {
		return false
	}
	switch a := a.Body.(type) {
	case *journal.NodeDecided:
		b, ok := b.Body.(*journal.NodeDecided)
		return ok && (a == b || a.Node == b.Node && a.Run == b.Run && a.Wave == b.Wave && a.Reason == b.Reason && slices.Equal(a.Edges, b.Edges))
	case *journal.TaskStarted:
		b, ok := b.Body.(*journal.TaskStarted)
		return ok && *a == *b
	case *journal.WaveStarted:
		b, ok := b.Body.(*journal.WaveStarted)
		return ok && a.Wave == b.Wave && slices.Equal(a.Nodes, b.Nodes) && slices.Equal(a.Early, b.Early)
	}
	return false
}

// bare is a record as an earlier version wrote it: without the elements, writers and early
// verdicts that the other does not name, and with these in the other's order.
func bare(g *graph.Graph, rec, now journal.Record) journal.Record {
	without := func(was, is *journal.Failure) *journal.Failure {
		if was == nil || is == nil || was.Item != "" {
			return is
		}
		f := *is
		f.Item = ""
		return &f
	}
	switch b := now.Body.(type) {
	case *journal.WaveStarted:
		if was, ok := rec.Body.(*journal.WaveStarted); ok {
			c := *b
			place := func(v journal.Verdict) int {
				return slices.IndexFunc(was.Early, func(w journal.Verdict) bool { return w.Edge == v.Edge })
			}
			c.Early, now.Body = slices.DeleteFunc(slices.Clone(b.Early), func(v journal.Verdict) bool { return place(v) < 0 }), &c
			slices.SortStableFunc(c.Early, func(v, w journal.Verdict) int { return place(v) - place(w) })
		}
	case *journal.TaskFinished:
		if was, ok := rec.Body.(*journal.TaskFinished); ok {
			c := *b
			c.Error, now.Body = without(was.Error, b.Error), &c
		}
	case *journal.WaveCommitted:
		if was, ok := rec.Body.(*journal.WaveCommitted); ok && len(was.Settled) == len(b.Settled) {
			c := *b
			if c.Settled = slices.Clone(b.Settled); was.Writers == nil {
				c.Writers = nil
				c.Changed = namedToo(g, was.Changed, b.Changed)
			}
			for i := range c.Settled {
				s, w := &c.Settled[i], &was.Settled[i]
				if s.Error = without(w.Error, s.Error); w.Elements().Of == 0 {
					e := s.Elements()
					e.Failed, e.Of = 0, 0
					s.SetElements(e)
				}
			}
			now.Body = &c
		}
	}
	return now
}

// namedToo are the keys that an earlier version named as changed, if they are those of now
// and others with `keep`.
func namedToo(g *graph.Graph, was, is []string) []string {
	for _, key := range was {
		if k, ok := g.KeyByName(key); !ok || g.Keys[k].Keep == 0 && !slices.Contains(is, key) {
			return is
		}
	}
	for _, key := range is {
		if !slices.Contains(was, key) {
			return is
		}
	}
	return was
}
