package temporaldriver

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// A pool that a graph declares is counted over all workers of a task queue, by a workflow: its
// limiter. Locks
// have a fixed number of limiters, each for all texts whose hash begins with the same digit.

const (
	limiterType = "graphrun.pool" // the type of the workflows of limiters
	useName     = "use"           // a signal to a limiter: how many slots a stack could use

	poolPrefix = "graphrun.pool/"
	lockPrefix = "graphrun.lock/"
)

// limiterOf is the workflow that counts the slots of a pool, or a lock, for the workers of a task
// queue. Those of another queue have another one: whoever runs a limiter must not vanish before
// those that need it.
func limiterOf(pool, queue string) string {
	if rest, is := strings.CutPrefix(pool, lockPrefix); is {
		pool = lockPrefix + rest[:1]
	}
	if queue == DefaultTaskQueue {
		return pool
	}
	kind, name, _ := strings.Cut(pool, "/")
	return kind + "@" + queue + "/" + name
}

// limiterInput is what the workflow of a limiter begins with.
type limiterInput struct {
	Uses    []use  `json:"uses,omitempty"`    // what the stack says that began it
	Carried []byte `json:"carried,omitempty"` // the allotments of the workflow before, packed
}

// useSignal is what a stack says of some pools of one limiter.
type useSignal struct {
	Uses []use `json:"uses"`
}

// dealt is what a limiter decided.
type dealt struct {
	Pools []dealtPool `json:"pools,omitempty"`
	Wake  time.Time   `json:"wake,omitzero"`
	Full  bool        `json:"full,omitempty"` // it is to continue as another workflow
}

type dealtPool struct {
	Pool   string  `json:"pool"`
	Shares []share `json:"shares"`
}

// limiter is the workflow of a limiter. Like that of a stack it records what it decides, so that
// a program with another rule can replay it.
type limiter struct {
	w       *Worker
	ctx     workflow.Context
	pools   map[string]*allotment
	signals workflow.ReceiveChannel
	inbox   []use
	away    map[string]bool // sessions of stacks that are being told something
	news    bool            // there is something to decide about without a message
	full    bool            // it continues as another workflow as soon as it can
	idle    time.Time       // since when there is nothing to keep in mind; zero if there is
	wake    time.Time       // that the timer is set for
	stop    workflow.CancelFunc
}

const (
	// linger is how long a limiter stays that nobody needs.
	linger = 10 * time.Minute
	// mostAway bounds the messages of a limiter that are on their way: a cluster takes 2,000.
	mostAway = 1000
	// unheard is how long a limiter waits that cannot reach a stack which is there.
	unheard = 10 * time.Second
)

// limiter is the workflow.
func (w *Worker) limiter(ctx workflow.Context, in limiterInput) error {
	l := &limiter{w: w, ctx: ctx, pools: map[string]*allotment{}, away: map[string]bool{}}
	if in.Carried != nil {
		if err := unpackJSON(in.Carried, &l.pools); err != nil {
			panic(err) // a later version may read it
		}
	}
	l.inbox = in.Uses
	if err := workflow.SetQueryHandler(ctx, readName, l.read); err != nil {
		return err
	}
	l.signals = workflow.GetSignalChannel(ctx, useName)
	workflow.Go(ctx, func(ctx workflow.Context) {
		for {
			var m useSignal
			if !l.signals.Receive(ctx, &m) {
				return
			}
			l.inbox = append(l.inbox, m.Uses...)
		}
	})
	for {
		now := workflow.Now(ctx).UTC()
		l.take(now)
		if !l.idle.IsZero() && !now.Before(l.idle.Add(linger)) {
			return nil // a stack that needs it later begins it again
		}
		if err := l.deal(now); err != nil {
			return err
		}
		l.tell()
		l.news = false
		if l.full && len(l.away) == 0 {
			carried, err := packJSON(l.pools)
			if err != nil {
				return err
			}
			return workflow.NewContinueAsNewError(ctx, limiterType, limiterInput{Carried: carried})
		}
		if err := workflow.Await(ctx, func() bool { return len(l.inbox) > 0 || l.news }); err != nil {
			return err
		}
	}
}

// take takes note of what the stacks have said.
func (l *limiter) take(now time.Time) {
	for m := (useSignal{}); l.signals.ReceiveAsync(&m); m = (useSignal{}) {
		l.inbox = append(l.inbox, m.Uses...)
	}
	for i := range l.inbox {
		m := &l.inbox[i]
		a := l.pools[m.Pool]
		if a == nil {
			a = &allotment{}
			l.pools[m.Pool] = a
		}
		a.take(m, now)
	}
	l.inbox = nil
	busy := false
	for name, a := range l.pools { // in any order: each for itself
		idle := a.idle(now)
		busy = busy || !idle
		if idle && strings.HasPrefix(name, lockPrefix) {
			delete(l.pools, name)
		}
	}
	if busy {
		l.idle = time.Time{}
	} else if l.idle.IsZero() {
		l.idle = now
	}
}

// deal decides, records it, and does it.
func (l *limiter) deal(now time.Time) error {
	recorded := workflow.SideEffect(l.ctx, func(workflow.Context) any { return l.decide(now) })
	var d dealt
	if err := recorded.Get(&d); err != nil {
		return err
	}
	for i := range d.Pools {
		a := l.pools[d.Pools[i].Pool]
		for j := range d.Pools[i].Shares {
			a.apply(&d.Pools[i].Shares[j], now)
		}
		a.Starts = slices.Clone(a.recent(now))
	}
	l.full = l.full || d.Full
	l.wakeAt(d.Wake, now)
	return nil
}

// decide is deal for all pools.
func (l *limiter) decide(now time.Time) (d dealt) {
	if !l.idle.IsZero() {
		d.Wake = l.idle.Add(linger)
	}
	info := workflow.GetInfo(l.ctx)
	d.Full = info.GetContinueAsNewSuggested() || l.w.o.EventsPerRun > 0 && info.GetCurrentHistoryLength() >= l.w.o.EventsPerRun
	for _, name := range slices.Sorted(maps.Keys(l.pools)) {
		shares, wake := l.pools[name].deal(now)
		if len(shares) > 0 {
			d.Pools = append(d.Pools, dealtPool{name, shares})
		}
		if !wake.IsZero() && (d.Wake.IsZero() || wake.Before(d.Wake)) {
			d.Wake = wake
		}
	}
	return d
}

// wakeAt has the timer fire at a time, or before: then it is set again.
func (l *limiter) wakeAt(wake, now time.Time) {
	if wake.IsZero() || l.stop != nil && !l.wake.After(wake) {
		return
	}
	if l.stop != nil {
		l.stop()
	}
	ctx, stop := workflow.WithCancel(l.ctx)
	l.wake, l.stop = wake, stop
	timer := workflow.NewTimer(ctx, max(wake.Sub(now), time.Millisecond))
	workflow.Go(l.ctx, func(ctx workflow.Context) {
		if timer.Get(ctx, nil) == nil {
			l.stop, l.news = nil, true
		}
	})
}

// tell tells stacks what they do not know, one message at a time to each.
func (l *limiter) tell() {
	for _, name := range slices.Sorted(maps.Keys(l.pools)) {
		a := l.pools[name]
		for _, session := range slices.Sorted(maps.Keys(a.Users)) {
			if l.full || len(l.away) == mostAway {
				return
			}
			u := a.Users[session]
			if !u.Due || l.away[session] {
				continue
			}
			u.Told++
			m := slotsSignal{Pool: name, Session: session, N: u.Told, Given: u.Given, Most: u.Most, Ask: u.Ask, Taken: a.taken(), Parallel: a.Limits.Parallel}
			u.Due, u.Ask, l.away[session] = false, false, true
			f := workflow.SignalExternalWorkflow(l.ctx, u.Stack, "", capacitySig, m)
			workflow.Go(l.ctx, func(ctx workflow.Context) { l.hear(ctx, a, &m, f.Get(ctx, nil)) })
		}
	}
}

// hear takes note of what became of a message.
func (l *limiter) hear(ctx workflow.Context, a *allotment, m *slotsSignal, err error) {
	var gone *temporal.UnknownExternalWorkflowExecutionError
	switch {
	case err == nil:
		a.arrived(m.Session, m.Given)
	case errors.As(err, &gone):
		a.lost(m.Session, workflow.Now(ctx).UTC())
	default:
		workflow.GetLogger(ctx).Warn("a stack does not hear of its slots", "pool", m.Pool, "error", err)
		if workflow.Sleep(ctx, unheard) != nil {
			return
		}
		if u := a.Users[m.Session]; u != nil {
			u.Due = true
		}
	}
	delete(l.away, m.Session)
	l.news = l.news || err != nil || l.full || len(l.away) == mostAway-1
	if u := a.Users[m.Session]; u != nil {
		l.news = l.news || u.Due
	}
}

// poolUse is what a limiter says of a pool, or a lock.
type poolUse struct {
	Pool   string         `json:"pool"`
	Limits limits         `json:"limits"`
	Taken  int            `json:"taken"`
	Stacks []poolUseStack `json:"stacks,omitempty"` // those that got a slot last come last
}

type poolUseStack struct {
	Stack string    `json:"stack"` // its workflow
	Has   int       `json:"has"`
	Want  int       `json:"want"`
	Since time.Time `json:"since,omitzero"` // since when it waits for one more
	Got   time.Time `json:"got,omitzero"`
}

// read is the query: who uses the pools.
func (l *limiter) read(q readRequest) (r readReply, err error) {
	for _, name := range slices.Sorted(maps.Keys(l.pools)) {
		a := l.pools[name]
		p := poolUse{Pool: name, Limits: a.Limits, Taken: a.taken()}
		for _, session := range slices.Sorted(maps.Keys(a.Users)) {
			u := a.Users[session]
			p.Stacks = append(p.Stacks, poolUseStack{u.Stack, u.has(), u.Want, u.Hungry, u.Got})
		}
		slices.SortStableFunc(p.Stacks, func(a, b poolUseStack) int { return a.Got.Compare(b.Got) })
		if q.Name == "" || q.Name == name {
			r.Pools = append(r.Pools, p)
		}
	}
	return r, nil
}

// packJSON is a value as compressed JSON: allotments are large and repeat themselves.
func packJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if err := errors.Join(json.NewEncoder(w).Encode(v), w.Close()); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func unpackJSON(b []byte, v any) error {
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return err
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, v)
}
