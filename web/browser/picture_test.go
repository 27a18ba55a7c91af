package browser

import (
	"os"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// desk is the graph of the picture in the README: a few waves, conditions, and a question.
const desk = `graphrun: 1
name: desk
description: Plans, works in parallel, and asks before it publishes.
types:
  Todo: {type: object, required: [id, done], properties: {id: string, done: boolean}}
state:
  todos: {type: list(Todo), reduce: upsert(id), default: [{id: outline, done: false}, {id: sources, done: false}]}
  notes: {type: list(string), reduce: append, keep: 20}
  published: boolean
define:
  open: filter(state.todos, not .done)
nodes:
  plan:     {uses: set, with: {note: "${{ string(len(open)) }} open"}, writes: {notes: "[output.note]"}}
  write:    {uses: set, with: {x: 1}, writes: {todos: '[{"id": "outline", "done": true}]'}}
  research: {uses: set, with: {x: 1}, writes: {todos: '[{"id": "sources", "done": true}]'}}
  warn:     {uses: set, with: {note: too much is open}, writes: {notes: "[output.note]"}}
  review:   {uses: set, with: {note: reviewed}, writes: {notes: "[output.note]"}}
  publish:  {uses: approval, with: {prompt: "Publish the report?"}, writes: {published: output.approved}}
edges:
  - {to: plan, when: not state.published}
  - {from: plan, to: write, when: 'any(open, .id == "outline")'}
  - {from: plan, to: research, when: 'any(open, .id == "sources")'}
  - {from: plan, to: warn, when: len(open) > 5}
  - {from: [write, research], to: review}
  - {from: review, to: publish, when: len(open) == 0}
stop: state.published
pause: 1h
`

// TestPicture makes the picture of the README, where SHOTS names a folder for it.
func TestPicture(t *testing.T) {
	t.Parallel()
	s := newServer(t, desk)
	s.start(t, "desk", "report", nil)
	p := s.open(t, look{width: 1280, height: 1040})
	p.visit("/stacks/report?node=warn")
	p.until(`document.querySelector("#graph svg")`)
	p.text("#main", "Publish the report?")
	p.text("#main", "warn did not run")
	if os.Getenv("SHOTS") == "" {
		return
	}
	var png []byte
	p.do(chromedp.Sleep(200*time.Millisecond), chromedp.CaptureScreenshot(&png))
	if err := os.WriteFile(os.Getenv("SHOTS")+"/dashboard.png", png, 0o600); err != nil {
		t.Fatal(err)
	}
}
