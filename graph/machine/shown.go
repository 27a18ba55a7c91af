package machine

import (
	"fmt"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
)

// The cursor is written with every commit, as long as a question is open with the
// arguments of its calls. So it has them only as far as somebody may want to read them at
// once; they are whole in the record task.waiting, and the work has its own.
const (
	maxShown    = 16 << 10  // bytes of the arguments of one call
	maxAllShown = 128 << 10 // of all calls that wait; what comes beyond them is cut to minShown
	minShown    = 256
)

// shownCalls are the calls of a question as the cursor has them.
func (m *Machine) shownCalls(calls []journal.Call) []journal.Call {
	all := 0
	for i := range m.cur.Asking {
		for _, c := range m.cur.Asking[i].Calls {
			all += value.Size(c.Args)
		}
	}
	out := make([]journal.Call, len(calls))
	for i, c := range calls {
		if c.Args = shown(c.Args, maxShown); all+value.Size(c.Args) > maxAllShown {
			c.Args = shown(c.Args, minShown)
		}
		all += value.Size(c.Args)
		out[i] = c
	}
	return out
}

// shown is a value within a number of bytes: with its texts cut in their middle if that is
// enough, else as one text.
func shown(v any, most int) any {
	size := value.Size(v)
	if size <= most {
		return v
	}
	for limit := most / 2; limit >= 64; limit /= 2 {
		if cut := cutTexts(v, limit); value.Size(cut) <= most {
			return cut
		}
	}
	return cutText(value.String(v), most/4) // a byte may need more as JSON
}

// cutTexts cuts the texts in a value.
func cutTexts(v any, limit int) any {
	switch v := v.(type) {
	case string:
		return cutText(v, limit)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = cutTexts(v[i], limit)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v { // in any order: a copy
			out[k] = cutTexts(e, limit)
		}
		return out
	}
	return v
}

func cutText(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return fmt.Sprintf("%s (cut: it has %d bytes)", diag.Shorten(s, limit), len(s))
}
