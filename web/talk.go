package web

import (
	"strings"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes"
)

const (
	// shownTurns bounds the turns of a conversation on a page, the latest.
	shownTurns = 60
	// shownTalks bounds the conversations.
	shownTalks = 20
	// shownText bounds a text of a conversation, in bytes; the journal has all of it.
	shownText = 8 << 10
)

// Said is what a recorded step of an agent says: an answer of a model, or of a tool.
type Said struct {
	Model   bool   // else it is a tool
	Name    string // of the model or tool
	Text    string
	Refusal string     // why a model did not answer; "" if it did
	Calls   []SaidCall // that the model wants made
}

// SaidCall is a call of a tool.
type SaidCall struct {
	Name string
	Args any // canonical
}

// conversation is what an agent, its models and its tools said to each other in a task.
type conversation struct {
	*parts
	Stack string
	Task  string
	Node  string
	Open  bool // its attempt has no end yet
	Turns []turn
	More  int // turns that are left out
	Steps int // all that were recorded: it names what is said after them
}

// turn is an answer of a model, or of a tool.
type turn struct {
	Step   int    // its place among all that were recorded
	Role   string // model or tool
	Name   string
	Place  string // of the call whose work it is; "" for the task itself
	At     time.Time
	Text   string
	Error  string
	Calls  []SaidCall
	Tokens int64
	Cost   float64
}

// talksOf reads the conversations of a cycle. A task counts to the cycle that it began in.
func (v *visit) talksOf(id string, cycle, last uint64) ([]conversation, error) {
	if cycle == 0 || cycle > last || v.o.ReadStep == nil {
		return nil, nil
	}
	var all []conversation
	places := map[journal.TaskKey]int{}
	want := journal.Want{Last: int(last-cycle) + 1, Types: []string{"task.started", "task.step", "task.finished"}, Bulk: true}
	err := v.o.Store.Records(v.r.Context(), id, want, func(r journal.Record) error {
		key, ok := r.Task()
		if !ok || key.Cycle != cycle {
			return nil
		}
		i, known := places[key]
		switch b := r.Body.(type) {
		case *journal.TaskStarted:
			if known {
				all[i].Open = true
			} else if v.isAgent(id, key.Node) && len(all) < shownTalks {
				places[key] = len(all)
				all = append(all, conversation{parts: v.parts, Stack: id, Task: journal.Spot{Node: key.Node, Item: key.Item}.String(), Node: key.Node, Open: true})
			}
		case *journal.TaskStep:
			if known && !b.Mark {
				all[i].add(b, r.Time, v.o.ReadStep)
			}
		case *journal.TaskFinished:
			if known {
				all[i].Open = !b.RetryAt.IsZero()
			}
		}
		return nil
	})
	return all, err
}

// isAgent reports whether tasks of a node are conversations, as far as the present graph
// of the stack says it.
func (v *visit) isAgent(id, node string) bool {
	g, err := v.graphOf(id)
	if err != nil {
		return false
	}
	i, ok := g.NodeByID(node)
	return ok && g.Nodes[i].Kind.Name == "agent"
}

// add adds a step.
func (c *conversation) add(b *journal.TaskStep, at time.Time, read func(name string, content any) (Said, bool)) {
	c.Steps++
	_, name := nodes.Below(b.Name)
	t := turn{Step: c.Steps, At: at, Tokens: b.Tokens, Cost: b.Cost, Place: strings.TrimSuffix(strings.TrimSuffix(b.Name, name), "/")}
	if b.Error != nil {
		t.Error = b.Error.Kind + ": " + b.Error.Message
	}
	said, ok := read(name, b.Content)
	if !ok {
		return
	}
	t.Role, t.Name, t.Text, t.Calls = "tool", said.Name, cutText(said.Text), said.Calls
	if said.Model {
		t.Role = "model"
	}
	if said.Refusal != "" {
		t.Error = "it refused: " + said.Refusal
	}
	if len(c.Turns) == shownTurns {
		c.Turns = append(c.Turns[:0], c.Turns[1:]...)
		c.More++
	}
	c.Turns = append(c.Turns, t)
}

// cutText cuts a long text in its middle.
func cutText(text string) string {
	if len(text) <= shownText {
		return text
	}
	half := shownText / 2
	return strings.ToValidUTF8(text[:half], "") + "\n…\n" + strings.ToValidUTF8(text[len(text)-half:], "")
}
