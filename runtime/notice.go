package runtime

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/value"
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

// Notice says to a hook what happened to a stack.
type Notice struct {
	ID     string // the same at every try
	Event  string // of graph.HookEvents
	URL    string
	Secret string // name of the secret that the body is to be signed with
	Body   []byte // JSON, the same at every try
}

// Notices deliver what stacks say to hooks.
type Notices struct {
	// Hooks hear of the stacks of all graphs, beside the hooks of each graph.
	Hooks []graph.Hook
	// Post makes one try, and returns an error if it has to be made again. It is called by
	// several goroutines, and its context ends only with its own time. Defaults to none: hooks
	// are not told of anything.
	Post func(ctx context.Context, n Notice) error
	// Timeout is the time of one try. Defaults to 10 seconds.
	Timeout time.Duration
}

// notices are those that are on their way. The outboxes of the stacks have them too, so that
// nothing is lost with a process: who loads a stack gives its notices here again.
type notices struct {
	rt    *Runtime
	slots chan struct{}
	ctx   context.Context // of the tries
	cut   func()          // ends them

	mu      sync.Mutex
	pending map[string]*notice // by their ids
	closing bool
	trying  sync.WaitGroup
}

// notice is one that is not delivered, or of which its stack does not know that it is.
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
	if n.pending[msg.ID] != nil || n.closing || n.rt.cfg.Notices.Post == nil {
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
		n.rt.timers.At(time.Now().Add(wait), func() {
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
	log := n.rt.log.With("stack", p.stack, "event", h.Event, "url", h.URL, "delivery", p.msg.ID)
	if !p.over {
		ctx, cancel := context.WithTimeout(n.ctx, cmp.Or(n.rt.cfg.Notices.Timeout, postTimeout))
		err := n.rt.cfg.Notices.Post(ctx, Notice{ID: p.msg.ID, Event: h.Event, URL: h.URL, Secret: h.Secret, Body: value.Append(nil, p.msg.Payload)})
		cancel()
		switch {
		case err == nil:
			log.Debug("a hook was told")
		case time.Now().Sub(h.At) >= machine.NoticeFor:
			log.Error("a hook could not be told, and it is given up", "error", err)
		default:
			log.Warn("a hook could not be told yet", "error", err, "tries", p.tries+1)
			return false
		}
		p.over = true
	}
	err := n.rt.noticed(p.stack, p.msg.ID)
	if err != nil {
		log.Debug("a notice is delivered and still in its outbox", "error", err)
	}
	return err == nil || errors.Is(err, ErrClosed)
}

// noticed takes a notice out of the outbox of its stack.
func (rt *Runtime) noticed(stack, id string) error {
	err := rt.with(rt.base, stack, func(d *drive) error {
		return d.do(rt.base, func() error { return d.m.Step(machine.Sent{At: d.now(), ID: id}) })
	})
	if errors.Is(err, ErrEnded) {
		var sum Summary
		if sum, err = rt.cfg.Store.Stack(rt.base, stack); err == nil {
			err = rt.forget(rt.base, &sum.Identity, map[string]bool{id: true})
		}
	}
	if errors.Is(err, ErrNotFound) {
		return nil // it was removed meanwhile
	}
	return err
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
