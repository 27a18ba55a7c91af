package temporaldriver

import (
	"encoding/json"
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/runtime/temporaldriver/blob"
)

// A cluster takes payloads of at most 2 MB and messages of at most 4 MB, and ends a workflow for
// good that wants more. So whatever is too large fails its node, with kind `limit`, before the
// cluster sees it. Where large values have a store (Options.LargeValues), a payload counts as a
// reference once it is above the threshold of that store.
const (
	largestPayload = 3 << 19 // 1.5 MiB: of a decision, where large values have no store
	largestValue   = 1 << 19 // of what a task gets or gives there: a commit has it twice
	largestMessage = 1 << 20 // of all that one workflow task sends

	largestStored      = blob.MaxSize - 1<<20
	largestStoredValue = largestStored / 2
	referenceSize      = 1 << 10
)

// mostValue bounds what a task gets or gives, in bytes of JSON.
func (w *Worker) mostValue() int {
	if w.o.LargeValues {
		return largestStoredValue
	}
	return largestValue
}

// mostDecision bounds a decision, in bytes.
func (w *Worker) mostDecision() int {
	if w.o.LargeValues {
		return largestStored
	}
	return largestPayload
}

// inline is how much of a payload is in a message.
func (w *Worker) inline(size int) int {
	if w.o.LargeValues && size > blob.Threshold {
		return referenceSize
	}
	return size
}

// tooLarge is the failure of a node whose value cannot travel.
func (w *Worker) tooLarge(what string, size int) journal.Failure {
	m := fmt.Sprintf("%s has %d bytes, at most %d can travel", what, size, w.mostValue())
	if !w.o.LargeValues {
		m += " (workers with a store for large values take more)"
	}
	return journal.Failure{Kind: "limit", Message: m, Permanent: true}
}

// takeLetters takes as many letters out of the inbox as one decision can have, at least one.
func (s *stack) takeLetters() (batch []letter) {
	size, n := 0, 0
	for n < len(s.inbox) {
		if size += s.inbox[n].size; n > 0 && size > s.w.mostDecision()/3 {
			break
		}
		n++
	}
	batch = s.inbox[:n:n]
	s.inbox = s.inbox[n:]
	return batch
}

// breathe ends the workflow task when it has much to send already.
func (s *stack) breathe(sent int) error {
	if now := workflow.GetInfo(s.ctx).GetCurrentHistoryLength(); now != s.sentAt {
		s.sent, s.sentAt = 0, now
	}
	if s.sent += sent; s.sent < largestMessage {
		return nil
	}
	s.sent = 0
	return workflow.NewTimer(s.ctx, time.Millisecond).Get(s.ctx, nil)
}

// weightOf is about how many bytes the input of an attempt has.
func weightOf(task *machine.Task) int {
	size := value.Size(task.With) + 512
	for _, s := range task.Steps {
		size += value.Size(s.Content) + 256
	}
	for _, w := range task.Words {
		size += value.Size(w.Args) + 256
	}
	return size
}

// bound fails an attempt whose result cannot travel.
func (w *Worker) bound(r taskResult) (taskResult, error) {
	b, err := json.Marshal(r)
	if err != nil || len(b) <= w.mostValue() {
		return r, err
	}
	small := taskResult{Tokens: r.Tokens, Cost: r.Cost, Used: r.Used}
	for _, s := range r.Steps { // what they used counts
		if step, err := journal.ParseRecord(s); err == nil {
			if s, ok := step.Body.(*journal.TaskStep); ok {
				small.Tokens += s.Tokens
				small.Cost += s.Cost
			}
		}
	}
	small.Failure = failureOf(w.tooLarge("the result", len(b)))
	return small, nil
}

// withoutResults are letters in which no attempt has succeeded: what they gave does not fit into a
// decision.
func (w *Worker) withoutResults(batch []letter, size int) []letter {
	out := make([]letter, len(batch))
	for i, l := range batch {
		out[i] = l
		if l.of == nil {
			continue
		}
		id := *l.of
		out[i].in = func(at time.Time) []machine.Input {
			return []machine.Input{machine.TaskFailed{At: at, Key: id.TaskKey, Attempt: id.Attempt, Failure: w.tooLarge("what the stack has to record", size)}}
		}
	}
	return out
}
