package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes/agent"
	"github.com/graphrun/graphrun/runtime/feed"
)

// agentRow is what a row shows of agents.
type agentRow struct {
	tokens int64
	cost   float64
	asks   map[string][]string  // calls that need a word, by item: their ids, in order
	tools  map[string]string    // of those, by id
	held   map[string]time.Time // tasks that wait and hold no slot, by item
	within int                  // open questions of stacks that do its work
	speaks string               // the item of the task whose model spoke last
	said   string               // the end of what it says at the moment
	doing  string               // what the latest step was
}

// keptSaid is how much of what is said is kept, in bytes: more than a line shows.
const keptSaid = 2000

// say adds to what a model says. What was said before by another task is forgotten.
func (r *agentRow) say(d feed.Delta) {
	if r.speaks != d.Task.Item {
		r.speaks, r.said = d.Task.Item, ""
	}
	r.said += d.Text
	if len(r.said) > keptSaid {
		r.said = strings.ToValidUTF8(r.said[len(r.said)-keptSaid/2:], "")
	}
}

// saying is the end of what is said, on one line; "" if nothing is.
func (r *agentRow) saying(columns int) string {
	text := diag.Clean(strings.Join(strings.Fields(r.said), " "))
	if text == "" {
		return ""
	}
	if over := runewidth.StringWidth(text) - columns; over > 0 {
		text = runewidth.TruncateLeft(text, over+1, "…")
	}
	return text
}

// step: an answer is whole, or a call is over. What belongs to the work of a call has the
// place of the call before it.
func (r *agentRow) step(b *journal.TaskStep) {
	place, name := calledFrom(b.Name)
	model, isModel := strings.CutPrefix(name, agent.ModelStep)
	tool, isTool := strings.CutPrefix(name, agent.ToolStep)
	model, tool = oneLine(model), oneLine(tool)
	doing := ""
	switch {
	case isModel && b.Error != nil:
		doing = fmt.Sprintf("%s failed (%s): %s", model, b.Error.Kind, oneLine(b.Error.Message))
	case isTool && b.Mark:
		doing = "calls " + tool
	case isTool:
		doing = tool + " answered"
	case isModel:
		doing = model + " answered"
		if a, err := agent.ReadAnswer(b.Content); err == nil && len(a.Message.Calls) > 0 {
			var names []string
			for _, c := range a.Message.Calls {
				names = append(names, c.Name)
			}
			doing = "calls " + oneLine(strings.Join(names, ", "))
		}
	}
	if doing != "" && place != "" {
		doing = oneLine(place) + ": " + doing
	}
	r.doing = cmp.Or(doing, r.doing)
	if isModel && place == "" && r.speaks == b.Item {
		r.said = ""
	}
}

// ask: calls of a task need a word.
func (r *agentRow) ask(item string, calls []journal.Call, since time.Time) {
	for _, c := range calls {
		if c.Answered || slices.Contains(r.asks[item], c.ID) {
			continue
		}
		if r.asks == nil {
			r.asks, r.tools = map[string][]string{}, map[string]string{}
		}
		r.asks[item] = append(r.asks[item], c.ID)
		r.tools[c.ID] = c.Tool
	}
	if r.held == nil {
		r.held = map[string]time.Time{}
	}
	r.held[item] = since
}

func (r *agentRow) answer(b *journal.TaskAnswered) {
	r.asks[b.Item] = slices.DeleteFunc(r.asks[b.Item], func(id string) bool { return id == b.Call })
}

// hold: the attempt of a task that waits has ended.
func (r *liveRow) hold(item string) { delete(r.running, item) }

// over: a task has ended.
func (r *agentRow) over(item string) {
	delete(r.asks, item)
	delete(r.held, item)
	if r.speaks == item {
		r.said = ""
	}
	r.doing = ""
}

// asked are the calls that need a word.
func (r *agentRow) asked() (calls []string) {
	for _, ids := range r.asks {
		for _, id := range ids {
			calls = append(calls, oneLine(r.tools[id])+" ("+oneLine(id)+")")
		}
	}
	slices.Sort(calls)
	return calls
}

// heldSince is when the first of the tasks that wait began to.
func (r *agentRow) heldSince() (first time.Time) {
	for _, at := range r.held { // in any order
		if first.IsZero() || at.Before(first) {
			first = at
		}
	}
	return first
}

// parts are what stands at the end of a row.
func (r *agentRow) parts() (parts []string) {
	switch waits := r.asked(); {
	case len(waits) > 0:
		parts = append(parts, "waits for a word on "+strings.Join(waits, ", "))
	case r.doing != "":
		parts = append(parts, r.doing)
	}
	if s := strings.TrimPrefix(spent(r.tokens, r.cost), ", "); s != "" {
		parts = append(parts, s)
	}
	return parts
}
