package machine

import (
	"bytes"
	"slices"

	"github.com/graphrun/graphrun/graph/journal"
)

// sameRecord reports whether a replay decided a record again as it is. Earlier versions
// recorded less of elements, no writers, fewer early verdicts, and those in another order: that is no
// difference.
func sameRecord(rec, now journal.Record) bool {
	was := journal.AppendRecord(nil, rec, true)
	return bytes.Equal(was, journal.AppendRecord(nil, now, true)) || bytes.Equal(was, journal.AppendRecord(nil, bare(rec, now), true))
}

// bare is a record as an earlier version wrote it: without the elements, writers and early
// verdicts that the other does not name, and with these in the other's order.
func bare(rec, now journal.Record) journal.Record {
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
