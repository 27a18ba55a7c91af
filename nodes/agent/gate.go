package agent

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/graphrun/graphrun/graph"
)

// gate is what a provider lets through: how many questions at once, and how many
// questions and tokens in a time. It holds over all stacks and nodes of the process.
type gate struct {
	mu       sync.Mutex
	parallel int // 0 means no limit
	inside   int
	queue    []chan struct{} // closed when its question may go; first come, first served
	requests bucket
	tokens   bucket

	// What follows is for those who look on: see ProviderUse.
	name, api, host string
	waits           map[*wait]struct{}
	notBefore       time.Time
	models          map[string]*ModelUse
}

// bucket lets units through at a rate, at most one second's worth at once. What takes
// more than it holds goes as soon as it is full, and those after it wait for the debt.
type bucket struct {
	rate  float64 // units per second; 0 means no limit
	most  float64
	level float64
	at    time.Time // of level

	limited int // units per per, as the graph says it; 0 means no limit
	per     time.Duration
	last    minute
}

func (b *bucket) limit(n int, per time.Duration) {
	b.limited, b.per = n, per
	rate := 0.0
	if n > 0 && per > 0 {
		rate = float64(n) / per.Seconds()
	}
	if rate == b.rate {
		return
	}
	level := max(1, rate)
	if b.rate > 0 { // graphs that say different things take turns: that fills nothing up
		level = min(b.level, level)
	}
	b.rate, b.most = rate, max(1, rate)
	b.level, b.at = level, time.Now()
}

// take books units, and says how long to wait until they may be used.
func (b *bucket) take(units float64) time.Duration {
	if b.rate == 0 {
		return 0
	}
	now := time.Now()
	b.level = min(b.most, b.level+now.Sub(b.at).Seconds()*b.rate)
	b.at = now
	lack := min(units, b.most) - b.level
	b.level -= units
	if lack <= 0 {
		return 0
	}
	return time.Duration(lack / b.rate * float64(time.Second))
}

// give changes the level by units that were booked and not used, or were used and not
// booked.
func (b *bucket) give(units float64) {
	if b.rate > 0 {
		b.level = min(b.most, b.level+units)
	}
}

func (g *gate) limit(p *graph.Provider) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.parallel = p.Parallel
	g.requests.limit(p.Rate, p.RatePer)
	g.tokens.limit(p.Tokens, p.TokensPer)
	g.admit()
}

// admit lets questions in that wait for their place.
func (g *gate) admit() {
	for len(g.queue) > 0 && (g.parallel == 0 || g.inside < g.parallel) {
		close(g.queue[0])
		g.queue = g.queue[1:]
		g.inside++
	}
}

// rest waits without a slot until a channel is closed, as nodes.Task.Rest.
type rest func(ctx context.Context, until <-chan struct{}) error

// patience is how long a wait may hold a slot.
const patience = time.Second

// enter waits until a question of about some tokens may be asked. leave says how many
// tokens it came to.
func (g *gate) enter(ctx context.Context, r rest, tokens int64) (leave func(used int64), err error) {
	g.mu.Lock()
	place := make(chan struct{})
	g.queue = append(g.queue, place)
	g.admit()
	g.mu.Unlock()
	if err := waitFor(ctx, r, place); err != nil {
		g.mu.Lock()
		defer g.mu.Unlock()
		if i := slices.Index(g.queue, place); i >= 0 {
			g.queue = slices.Delete(g.queue, i, i+1)
		} else {
			g.inside--
			g.admit()
		}
		return nil, err
	}
	g.mu.Lock()
	wait := max(g.requests.take(1), g.tokens.take(float64(tokens)))
	g.mu.Unlock()
	leave = func(used int64) {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.tokens.give(float64(tokens - used))
		g.inside--
		g.admit()
	}
	over := g.hold(heldByRate, wait)
	err = sleep(ctx, r, wait)
	over()
	if err != nil {
		g.mu.Lock()
		g.requests.give(1)
		g.mu.Unlock()
		leave(0)
		return nil, err
	}
	return leave, nil
}

// waitFor waits for a channel, for a second with the slot and then without.
func waitFor(ctx context.Context, r rest, until <-chan struct{}) error {
	select { // the usual case starts no timer
	case <-until:
		return nil
	default:
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-until:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
	}
	if r != nil {
		return r(ctx, until)
	}
	select {
	case <-until:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// sleep waits for a time that is known: without the slot if it is longer than a second.
func sleep(ctx context.Context, r rest, d time.Duration) error {
	if d <= 0 {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return nil
	}
	over := make(chan struct{})
	timer := time.AfterFunc(d, func() { close(over) })
	defer timer.Stop()
	if d > patience && r != nil {
		return r(ctx, over)
	}
	select {
	case <-over:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
