package runtime

import (
	"slices"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes"
)

// wordsOf converts the answers on calls of a task for its work.
func wordsOf(given []*journal.TaskAnswered) []nodes.Word {
	if len(given) == 0 {
		return nil
	}
	words := make([]nodes.Word, len(given))
	for i, w := range given {
		words[i] = nodes.Word{Call: w.Call, Approved: w.Approved, Args: w.Args, Comment: w.Comment, By: w.By}
	}
	return words
}

// maskedTalk hides the secrets in what an agent gives besides its output.
func (d *drive) maskedTalk(t *journal.Talk) *journal.Talk {
	if t == nil {
		return nil
	}
	return &journal.Talk{Messages: d.secrets.mask(t.Messages), Usage: d.secrets.mask(t.Usage)}
}

// maskedWrites hides the secrets in what goes into memories.
func (d *drive) maskedWrites(in []journal.MemoryWrite) []journal.MemoryWrite {
	out := slices.Clone(in)
	for i := range out {
		w := &out[i]
		w.ID, w.Text, w.Data = d.secrets.masker.Text(w.ID), d.secrets.masker.Text(w.Text), d.secrets.mask(w.Data)
	}
	return out
}
