package machine

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
)

// youngQuestion is how old a question is that follows another one of its node
// before an answer that does not name it is taken for it.
const youngQuestion = 2 * time.Second

// keptAnswers is how many answers a stack remembers, to know one that is repeated.
const keptAnswers = 1000

// answer accepts an answer. It is durable with the next Ready, and applied when the
// next cycle begins.
func (m *Machine) answer(in Answer) error {
	i, ok := m.plan.index[in.Node]
	if !ok {
		return &UnknownNodeError{Node: in.Node, Known: m.g.NodeIDs()}
	}
	n := &m.g.Nodes[i]
	switch {
	case !n.Kind.Waits:
		return m.answerCall(i, in)
	case in.Call != "":
		return &CallsError{Node: in.Node, Call: in.Call}
	}
	w, lost := m.asked(i, in)
	output, err := m.answerOf(n, in)
	switch {
	case err == nil && m.answers.has(in.Node, in.For, sumOf(output, in.Failure)):
		return nil
	case lost != nil:
		return lost
	case w == nil && err == nil && n.ForEach != nil && m.sameForElement(i, in, output):
		return nil
	case in.For != "" && (w == nil || w.ID() != in.For):
		return fmt.Errorf("%w any more: the question %q is over, or never was (%s)", ErrNotWaiting, in.For, m.waitingNames())
	case w == nil:
		return fmt.Errorf("%w: %q (%s)", ErrNotWaiting, in.Node, m.waitingNames())
	case err != nil:
		return &AnswerError{Node: in.Node, Expected: n.Output.String(), Err: err}
	case w.Answered && m.sameAnswer(i, output, in.Failure):
		return nil
	case w.Answered:
		return fmt.Errorf("%w any more: %q has its answer, which the next cycle applies", ErrNotWaiting, in.Node)
	case w.Late(in.At):
		return fmt.Errorf("%w any more: the time of %q was over at %s", ErrNotWaiting, in.Node, w.Ends().Format(time.RFC3339))
	case in.For == "" && in.At.Sub(w.Since) < youngQuestion && m.answers.nodes[question{in.Node, w.Item}] > 0:
		return &StaleAnswerError{Node: in.Node, ID: w.ID(), Since: w.Since}
	}
	m.at = in.At
	id, item := w.ID(), w.Item
	m.endWaitBy(w, output, in.Failure, in.By)
	m.answers.add(m, id, in.Node, item, sumOf(output, in.Failure))
	return nil
}

// asked finds what an answer is for; nil if there is nothing.
func (m *Machine) asked(i int, in Answer) (*journal.Waiting, error) {
	switch {
	case m.g.Nodes[i].ForEach != nil:
		return m.elementAsked(i, in)
	case in.Item != "":
		return nil, fmt.Errorf("%w: %q runs once, it has no element %q", ErrNotWaiting, in.Node, in.Item)
	}
	return m.waitingFor(in.Node, ""), nil
}

// sameAnswer reports whether a node that waits was answered like that.
func (m *Machine) sameAnswer(i int, output any, f *journal.Failure) bool {
	b := m.nodes[i].answer
	if b == nil || (f == nil) != (b.Error == nil) {
		return false
	}
	return value.Equal(b.Output, output) && (f == nil || f.Kind == b.Error.Kind && f.Message == b.Error.Message)
}

// answers are the newest answers that were accepted.
type answers struct {
	*sidecar
	sums  map[question]string // of the answer
	nodes map[question]int    // how many of them are of a node, or of an element of it
}

// question is a node and the id of one of its questions, or the key of one of its elements.
type question struct{ node, id string }

func restoredAnswers(stored any) answers {
	a := answers{restored(journal.SidecarMark+"answers", stored), map[question]string{}, map[question]int{}}
	for _, e := range a.list {
		a.note(e, 1)
	}
	return a
}

// note counts an element of the list in or out.
func (a *answers) note(e any, by int) {
	fields, _ := e.(map[string]any)
	id, _ := fields["id"].(string)
	node, _ := fields["node"].(string)
	item, _ := fields["item"].(string)
	a.sums[question{node, id}], _ = fields["sum"].(string)
	if a.nodes[question{node, item}] += by; by < 0 {
		delete(a.sums, question{node, id})
	}
}

// has reports whether the question of this id was answered like that.
func (a *answers) has(node, id, sum string) bool {
	given, known := a.sums[question{node, id}]
	return known && given == sum
}

func (a *answers) add(m *Machine, id, node, item, sum string) {
	e := map[string]any{"id": id, "node": node, "sum": sum}
	if item != "" {
		e["item"] = item
	}
	a.note(e, 1)
	if gone := m.put(a.sidecar, e, keptAnswers); gone != nil {
		a.note(gone, -1)
	}
}

// sumOf stands for an answer, so that only its sum has to be kept.
func sumOf(output any, f *journal.Failure) string {
	v := []any{output}
	if f != nil {
		v = []any{f.Kind, f.Message}
	}
	sum := sha256.Sum256(value.Append(nil, v))
	return hex.EncodeToString(sum[:16])
}

func (m *Machine) waitingNames() string {
	var names []string
	for k := range m.cur.Waiting {
		if w := &m.cur.Waiting[k]; !w.Answered {
			names = append(names, w.Place())
		}
	}
	for k := range m.cur.Asking {
		if w := &m.cur.Asking[k]; len(w.Calls) > 0 && !slices.Contains(names, w.Place()) {
			names = append(names, w.Place())
		}
	}
	if len(names) == 0 {
		return "no node waits"
	}
	return "waiting: " + some(names)
}

// mostNames is how many names a message has.
const mostNames = 20

// some lists names, the first ones if there are many.
func some(names []string) string {
	if more := len(names) - mostNames; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:mostNames], ", "), more)
	}
	return strings.Join(names, ", ")
}
