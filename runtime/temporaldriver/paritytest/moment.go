package paritytest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/graphrun/graphrun/runtime"
)

// Moment is something that is done from outside. Which of its fields mean something follows from
// Does, as in the methods of Engine.
type Moment struct {
	At    time.Duration // since Begin; more than 0
	Stack string
	Does  Does
	By    string

	ID      string // of an event
	Event   string
	Payload any

	Node, Item string
	Call, For  string
	Args       any
	Output     any

	Reason string // of Cancel
}

func (m *Moment) String() string {
	text := fmt.Sprintf("%s %s %s", m.At, m.Stack, m.Does)
	for _, f := range []struct {
		name  string
		value any
	}{{"by", m.By}, {"event", m.Event}, {"id", m.ID}, {"payload", m.Payload}, {"node", m.Node}, {"item", m.Item}, {"call", m.Call},
		{"for", m.For}, {"args", m.Args}, {"output", m.Output}, {"reason", m.Reason}} {
		if f.value != nil && f.value != "" {
			text += fmt.Sprintf(" %s=%v", f.name, f.value)
		}
	}
	return text
}

// Does says what a moment is.
type Does string

const (
	Send       Does = "send"
	Answer     Does = "answer"
	Pause      Does = "pause"
	Resume     Does = "resume"
	Wake       Does = "wake"
	Stop       Does = "stop"
	Cancel     Does = "cancel"
	CancelTask Does = "cancel_task"
)

// Engine is what commands stacks: a *runtime.Runtime, or the client of another driver.
type Engine interface {
	Send(ctx context.Context, in runtime.Send) (duplicate bool, err error)
	AnswerWith(ctx context.Context, stack, node string, o runtime.AnswerOptions) error
	Pause(ctx context.Context, stack string) error
	Unpause(ctx context.Context, stack string) error
	Wake(ctx context.Context, stack string) error
	End(ctx context.Context, stack string) error
	Cancel(ctx context.Context, stack, reason string) error
	CancelTask(ctx context.Context, stack, node, item string) error
}

// Do does what the moment says, and returns when it has taken effect.
func (m *Moment) Do(e Engine) error {
	ctx := by(m.By)
	switch m.Does {
	case Send:
		_, err := e.Send(ctx, runtime.Send{Stack: m.Stack, ID: m.ID, Event: m.Event, Payload: m.Payload})
		return err
	case Answer:
		return e.AnswerWith(ctx, m.Stack, m.Node, runtime.AnswerOptions{Item: m.Item, Call: m.Call, For: m.For, Args: m.Args, Output: m.Output})
	case Pause:
		return e.Pause(ctx, m.Stack)
	case Resume:
		return e.Unpause(ctx, m.Stack)
	case Wake:
		return e.Wake(ctx, m.Stack)
	case Stop:
		return e.End(ctx, m.Stack)
	case Cancel:
		return e.Cancel(ctx, m.Stack, m.Reason)
	case CancelTask:
		return e.CancelTask(ctx, m.Stack, m.Node, m.Item)
	}
	return errors.New("paritytest: there is no such command")
}

// by is a context of somebody; "" is nobody.
func by(name string) context.Context {
	if name == "" {
		return context.Background()
	}
	return runtime.As(context.Background(), name)
}
