package temporaldriver

import (
	"encoding/json"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/value"
)

// stepInputs are the steps that an attempt recorded, for the machine: it may refuse one where the
// limits of the stack are reached, and then the attempt has failed.
func stepInputs(id attemptID, steps []json.RawMessage, at time.Time) (all []machine.Input) {
	for _, b := range steps {
		r, err := journal.ParseRecord(b)
		if err != nil {
			panic(err) // a later version may read it
		}
		s, ok := r.Body.(*journal.TaskStep)
		if !ok {
			continue
		}
		content, err := value.Of(s.Content)
		if err != nil {
			panic(err)
		}
		all = append(all, optional{machine.TaskStep{At: at, Key: id.TaskKey, Attempt: id.Attempt, Name: s.Name, Content: content, Duration: s.Duration,
			Tokens: s.Tokens, Cost: s.Cost, Error: s.Error, Mark: s.Mark, Call: s.Call}})
	}
	return all
}

// stepsIn are the steps that an attempt had recorded when its worker was last heard.
func stepsIn(timeout *temporal.TimeoutError) []json.RawMessage {
	var beat heartbeat
	if !timeout.HasLastHeartbeatDetails() || timeout.LastHeartbeatDetails(&beat) != nil {
		return nil
	}
	return beat.Steps
}

// heartbeat is what an attempt says of itself now and then, and when it records a step: all of
// its steps, since each heartbeat takes the place of the one before.
type heartbeat struct {
	Steps []json.RawMessage `json:"steps,omitempty"`
}

// stepRecord is a step as it travels.
func stepRecord(in *machine.TaskStep) json.RawMessage {
	return recordOf(&journal.TaskStep{Node: in.Key.Node, Item: in.Key.Item, Name: in.Name, Content: in.Content.Any(), Duration: max(0, in.Duration),
		Tokens: in.Tokens, Cost: in.Cost, Error: in.Error, Mark: in.Mark, Call: in.Call})
}

// stepsOf are the steps of earlier attempts, as they travelled.
func stepsOf(all []json.RawMessage) (steps []*journal.TaskStep, err error) {
	for _, b := range all {
		r, err := journal.ParseRecord(b)
		if err != nil {
			return nil, err
		}
		if s, ok := r.Body.(*journal.TaskStep); ok {
			steps = append(steps, s)
		}
	}
	return steps, nil
}

// wordsOf are the answers on calls, as they travelled.
func wordsOf(all []json.RawMessage) (words []*journal.TaskAnswered, err error) {
	for _, b := range all {
		r, err := journal.ParseRecord(b)
		if err != nil {
			return nil, err
		}
		if w, ok := r.Body.(*journal.TaskAnswered); ok {
			words = append(words, w)
		}
	}
	return words, nil
}
