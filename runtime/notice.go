package runtime

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/runtime/internal/timer"
)

const (
	// posts is how many notices are delivered at the same time.
	posts = 8
	// longestRetry is the longest time between two tries of a notice. The first is
	// firstRetry, and each is twice as long as the one before.
	longestRetry = 5 * time.Minute
	// postTimeout is the time of one try, lastPost what is left of it when the runtime closes.
	postTimeout = 10 * time.Second
	lastPost    = 2 * time.Second
)

// notices are those that are on their way. The outboxes of the stacks have them too, so that
// nothing is lost with a process: who loads a stack gives its notices here again.
type notices struct {
	Notices
	log    *slog.Logger
	timers *timer.Heap
	boxes  outboxes

	slots chan struct{}
	ctx   context.Context // of the tries
	cut   func()          // ends them

	mu      sync.Mutex
	pending map[string]*notice // by their ids
	closing bool
	trying  sync.WaitGroup
}

// outboxes are those of all stacks.
type outboxes interface {
	// noticed takes a notice out of the outbox of its stack.
	noticed(stack, id string) error
}

// notice is one that is still in the outbox of its stack.
type notice struct {
	stack string
	msg   machine.Message
	tries int
	over  bool // it was delivered, or given up
}

// take delivers a notice, unless it is on its way already.
func (n *notices) take(stack string, msg machine.Message) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.pending[msg.ID] != nil || n.closing || n.Post == nil {
		return
	}
	p := &notice{stack: stack, msg: msg}
	n.pending[msg.ID] = p
	n.begin(p)
}

// begin makes a try. mu is held.
func (n *notices) begin(p *notice) {
	if n.closing {
		return // the next runtime delivers it
	}
	n.trying.Add(1)
	go func() {
		defer n.trying.Done()
		n.slots <- struct{}{}
		settled := n.attempt(p)
		<-n.slots
		n.mu.Lock()
		defer n.mu.Unlock()
		if settled {
			delete(n.pending, p.msg.ID)
			return
		}
		wait := min(firstRetry<<min(p.tries, 20), longestRetry)
		p.tries++
		n.timers.At(time.Now().Add(wait), func() {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.begin(p)
		})
	}()
}

// attempt delivers a notice, and takes it out of its stack's outbox. It reports whether nothing
// is left to do.
func (n *notices) attempt(p *notice) bool {
	h := p.msg.Hook
	log := n.log.With("stack", p.stack, "event", h.Event, "url", h.URL, "delivery", p.msg.ID)
	if !p.over {
		ctx, cancel := context.WithTimeout(n.ctx, cmp.Or(n.Timeout, postTimeout))
		err := n.Post(ctx, Notice{ID: p.msg.ID, Event: h.Event, URL: h.URL, Secret: h.Secret, Body: value.Append(nil, p.msg.Payload)})
		cancel()
		switch {
		case err == nil:
			log.Debug("a hook took a notice")
		case time.Since(h.At) >= machine.NoticeFor:
			log.Error("a hook did not take a notice in time, which is given up", "error", err)
		default:
			log.Warn("a hook does not take a notice yet", "error", err, "tries", p.tries+1)
			return false
		}
		p.over = true
	}
	err := n.boxes.noticed(p.stack, p.msg.ID)
	if err != nil {
		log.Debug("a notice is delivered and still in its outbox", "error", err)
	}
	return err == nil || errors.Is(err, ErrClosed)
}

// finish waits for the tries that are being made, and makes no more.
func (n *notices) finish() {
	n.mu.Lock()
	n.closing = true
	n.mu.Unlock()
	enough := time.AfterFunc(lastPost, n.cut)
	n.trying.Wait()
	enough.Stop()
	n.cut()
}

// split gives the notices among messages to their courier, and returns the others.
func (n *notices) split(stack string, all []machine.Message) (left []machine.Message) {
	for _, m := range all {
		if m.Hook == nil {
			left = append(left, m)
			continue
		}
		n.take(stack, m)
	}
	return left
}
