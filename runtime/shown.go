package runtime

import (
	"time"

	"github.com/graphrun/graphrun/runtime/feed"
)

// note is nodes.Task.Note.
func (e *errand) note(text string) {
	e.d.eng.cfg.Feed.Note(feed.Note{Stack: e.d.name, Graph: e.d.graph, Task: e.task.Key, Attempt: e.task.Attempt, At: time.Now().UTC(), Text: e.masker.Text(text)})
}

// say is nodes.Task.Delta.
func (e *errand) say(text string) {
	e.saying.Lock()
	defer e.saying.Unlock()
	if e.speech == nil {
		e.speech = &speech{stream: e.masker.Stream()}
	}
	e.show(e.speech.stream.Next(text))
}

// hush shows what is held back of a text, which is complete.
func (e *errand) hush() {
	e.saying.Lock()
	defer e.saying.Unlock()
	if e.speech != nil {
		e.show(e.speech.stream.End())
	}
}

func (e *errand) show(text string) {
	if text == "" {
		return
	}
	e.d.eng.cfg.Feed.Delta(feed.Delta{Stack: e.d.name, Graph: e.d.graph, Task: e.task.Key, Attempt: e.task.Attempt,
		At: time.Now().UTC(), Text: text, Offset: e.speech.offset})
	e.speech.offset += len(text)
}
