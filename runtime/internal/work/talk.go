package work

import (
	"slices"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/mask"
	"github.com/graphrun/graphrun/nodes"
)

// Calls are the calls that need a person's word, as the machine gets them: canonical, with
// the secrets hidden. The error is one for the work.
func Calls(m *mask.Masker, calls []journal.Call) ([]journal.Call, error) {
	own := make([]journal.Call, len(calls))
	for i, c := range calls {
		args, err := value.Of(c.Args)
		if err != nil {
			return nil, nodes.Errorf("output", "the arguments of call %q: %v", c.ID, err)
		}
		own[i] = journal.Call{ID: m.Text(c.ID), Tool: m.Text(c.Tool), Args: m.Value(args.Any())}
	}
	return own, nil
}

// Words converts the answers on calls of a task for its work.
func Words(given []*journal.TaskAnswered) []nodes.Word {
	if len(given) == 0 {
		return nil
	}
	words := make([]nodes.Word, len(given))
	for i, w := range given {
		words[i] = nodes.Word{Call: w.Call, Approved: w.Approved, Args: w.Args, Comment: w.Comment, By: w.By}
	}
	return words
}

// Talk hides the secrets in what an agent gives besides its output. It is nil if t is.
func Talk(m *mask.Masker, t *journal.Talk) *journal.Talk {
	if t == nil {
		return nil
	}
	return &journal.Talk{Messages: m.Value(t.Messages), Usage: m.Value(t.Usage)}
}

// Writes hides the secrets in what goes into memories. It leaves in as it is.
func Writes(m *mask.Masker, in []journal.MemoryWrite) []journal.MemoryWrite {
	out := slices.Clone(in)
	for i := range out {
		w := &out[i]
		w.ID, w.Text, w.Data = m.Text(w.ID), m.Text(w.Text), m.Value(w.Data)
	}
	return out
}
