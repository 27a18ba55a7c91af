package machine

import (
	"hash/fnv"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
)

// notRetried are the kinds of failure that trying again cannot mend, by default.
var notRetried = []string{"schema", "config", "expression", "cancelled"}

// retryAt is when the next attempt follows a failed one. The zero time means never.
func (m *Machine) retryAt(t *task, r *run, b *journal.TaskFinished) time.Time {
	if r.failing != nil || r.enough {
		return time.Time{} // the node ends without it
	}
	n := &m.g.Nodes[r.node]
	if n.Kind.Waits {
		return time.Time{}
	}
	tries := t.tries + 1
	if tries >= n.Retry.Attempts || !retries(&n.Retry, b.Error) || !m.retryHolds(r, n, b) {
		return time.Time{}
	}
	// What a server asks for in the header Retry-After counts, however short the backoff is.
	if most := n.Retry.MaxBackoff; most > 0 && b.Wait > most && b.Error.Kind != "http" {
		return time.Time{}
	}
	due := m.at.Add(max(m.backoff(t, r, tries), b.Wait))
	if n.Deadline > 0 && !due.Before(t.firstAt.Add(n.Deadline)) {
		return time.Time{}
	}
	return due
}

// retries reports whether a failure is one to try again after. That nothing can
// mend a wrong value or configuration is a default, which the author overrules by
// naming the kind; what is permanent for another reason stays so.
func retries(r *graph.Retry, f *journal.Failure) bool {
	named, hopeless := slices.Contains(r.Errors, f.Kind), slices.Contains(notRetried, f.Kind)
	switch {
	case named && hopeless && f.Kind != "cancelled":
		return true
	case f.Permanent:
		return false
	case r.Errors != nil:
		return named
	}
	return !hopeless
}

// retryHolds evaluates the author's condition over a failure. When it cannot be evaluated
// no attempt follows, and the failure says why.
func (m *Machine) retryHolds(r *run, n *graph.Node, b *journal.TaskFinished) bool {
	when := n.Retry.When
	if when == nil {
		return true
	}
	s := r.w.env.Slots
	was := s[graph.SlotError]
	s[graph.SlotError] = b.Error.Value(n.ID)
	holds, err := when.Holds(r.w.env)
	s[graph.SlotError] = was
	if err != nil {
		f := *b.Error
		if note := m.maskText(" (retry.when: " + message(err) + ")"); !strings.HasSuffix(f.Message, note) { // a replay is given it
			f.Message += note
		}
		b.Error = &f
	}
	return holds && err == nil
}

// backoff is the pause before a try: it grows by the factor up to its bound,
// and with jitter it is anything up to that. The jitter comes from the task's
// key and the try, so that a replay waits as long.
func (m *Machine) backoff(t *task, r *run, tries int) time.Duration {
	n := &m.g.Nodes[r.node]
	d := float64(n.Retry.Backoff) * math.Pow(max(n.Retry.Factor, 1), float64(tries-1))
	if limit := float64(n.Retry.MaxBackoff); limit > 0 {
		d = min(d, limit)
	}
	d = min(d, float64(math.MaxInt64/2))
	if n.Retry.Jitter {
		d *= m.chance(m.key(t, r), tries)
	}
	return time.Duration(d)
}

// chance is a number in [0, 1) that depends on the task and the try alone.
func (m *Machine) chance(key journal.TaskKey, tries int) float64 {
	h := fnv.New64a()
	var b []byte
	for _, s := range []string{m.id.Stack, m.id.Nonce, key.Node, key.Item} {
		b = append(append(b, s...), 0)
	}
	for _, n := range []uint64{key.Cycle, key.Wave, uint64(tries)} {
		b = append(strconv.AppendUint(b, n, 10), 0)
	}
	h.Write(b)
	x := h.Sum64()
	// FNV's high bits hardly move with the last byte: mix them.
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return float64(x>>11) / (1 << 53)
}
