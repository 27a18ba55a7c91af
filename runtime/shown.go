package runtime

import (
	"sync"
	"time"

	"github.com/graphrun/graphrun/runtime/feed"
)

// noter makes nodes.Task.Note for an attempt.
func (d *drive) noter(a *attempt) func(string) {
	masker := d.secrets.masker
	return func(text string) {
		d.eng.cfg.Feed.Note(feed.Note{Stack: d.name, Graph: d.graph, Task: a.task.Key, Attempt: a.task.Attempt, At: time.Now().UTC(), Text: masker.Text(text)})
	}
}

// speaker makes nodes.Task.Delta for an attempt, and a function that shows what is held
// back of a text that is complete. A secret may be split over deltas, so the end of what
// has come is held back as long as it may be the beginning of one. The texts go through
// the mask also when nobody listens: a listener may come in the middle of a secret.
func (d *drive) speaker(a *attempt) (say func(string), finish func()) {
	var mu sync.Mutex
	stream, offset := d.secrets.masker.Stream(), 0
	show := func(text string) {
		if text == "" {
			return
		}
		d.eng.cfg.Feed.Delta(feed.Delta{Stack: d.name, Graph: d.graph, Task: a.task.Key, Attempt: a.task.Attempt,
			At: time.Now().UTC(), Text: text, Offset: offset})
		offset += len(text)
	}
	say = func(text string) {
		mu.Lock()
		defer mu.Unlock()
		show(stream.Next(text))
	}
	finish = func() {
		mu.Lock()
		defer mu.Unlock()
		show(stream.End())
	}
	return say, finish
}
