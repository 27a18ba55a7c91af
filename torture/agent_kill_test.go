package torture

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/boltstore"
)

// agentPoints are the places at which a life ends: on the provider's side, or in the life
// itself.
var agentPoints = []string{
	"question", "event 0", "event 3",
	"before task.step model:", "after task.step model:", "before task.step tool:", "after task.step tool:",
	"before task.mark tool:", "after task.mark tool:", "tool begins", "tool ends",
	"before task.waiting", "after task.waiting", "before task.answered", "after task.answered", "before task.held", "after task.held",
	"before task.finished", "after task.finished", "before wave.committed", "after wave.committed",
}

// patience is how long a life may take to come to its point.
const patience = 500 * time.Millisecond

// agentLives kills one life after the other: every second one after a random time, the
// others at the points in turn. It lets the last one finish.
func agentLives(t *testing.T, role string, kills int, seed uint64) *agentVerdict {
	t.Helper()
	w := newWorld(t, false)
	rnd := rand.New(rand.NewPCG(seed, 1))
	first := rnd.IntN(len(agentPoints))
	reached := 0
	for i := range kills {
		long, point := time.Duration(rnd.IntN(160))*time.Millisecond, ""
		if i%2 == 0 {
			long, point = patience, agentPoints[(first+i/2)%len(agentPoints)]
		}
		if w.live(role, i, point, 1+rnd.IntN(6), long) {
			reached++
		}
		if rnd.IntN(3) == 0 {
			w.between()
		}
	}
	p := begin(t, agentsSettle, w.path, w.ledger, kills+1, urlEnv+"="+w.server.OpenAI())
	if err := <-p.ended; err != nil {
		t.Fatalf("seed %d: the last life: %v: %s", seed, err, &p.out)
	}
	v := judgeAgents(t, w)
	t.Logf("seed %d, %d kills, %d of them at their points: %s", seed, kills, reached, v)
	return v
}

// live is one life. It reports whether it came to its point.
func (w *world) live(role string, i int, point string, n int, long time.Duration) bool {
	w.t.Helper()
	env := []string{urlEnv + "=" + w.server.OpenAI()}
	event := map[string]int{"question": -1, "event 0": 0, "event 3": 3}
	at, outside := event[point]
	if !outside {
		env = append(env, fmt.Sprintf("%s=%s:%d", pointEnv, point, n))
	}
	var left atomic.Int32
	left.Store(int32(n))
	sprung := make(chan struct{})
	if outside && point != "" {
		w.set(func(event int) {
			if event == at && left.Add(-1) == 0 {
				close(sprung)
			}
		})
		defer w.set(nil)
	}
	p := begin(w.t.(*testing.T), role, w.path, w.ledger, i+1, env...)
	if i%4 != 1 {
		select {
		case <-p.opened:
		case err := <-p.ended:
			w.t.Fatalf("life %d: %v", i+1, p.early(err))
		}
	}
	select {
	case <-sprung:
		p.kill()
		return true
	case <-time.After(long):
		p.kill()
		return false
	case err := <-p.ended:
		if code := p.cmd.ProcessState.ExitCode(); code >= 0 {
			w.t.Fatalf("life %d (%s): %v", i+1, point, p.early(err))
		}
		return true
	}
}

// between answers calls while nothing drives their stacks.
func (w *world) between() {
	w.t.Helper()
	file, err := boltstore.Open(w.path, boltstore.Options{LockTimeout: 10 * time.Second, Durability: runtime.DurabilityNone})
	if err != nil {
		w.t.Fatal(err)
	}
	l, err := newAgentLife(agentsLive, "0", w.ledger, "")
	if err != nil {
		w.t.Fatal(err)
	}
	kinds, err := l.kinds()
	if err != nil {
		w.t.Fatal(err)
	}
	ctx := context.Background()
	rt, err := runtime.Open(ctx, runtime.Config{Store: file, Kinds: kinds})
	if err != nil {
		w.t.Fatal(err)
	}
	clerks(ctx, rt, func(stack string) bool { return !odd(stack) })
	if err := rt.Close(ctx); err != nil {
		w.t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		w.t.Fatal(err)
	}
	_ = l.ledger.Close()
}

// Agents are killed between any two steps and in the middle of each: what was recorded is
// not paid for again, no call with effects: once is made twice, and in the end everything
// is as it is without kills.
func TestAgentsKilled(t *testing.T) {
	t.Parallel()
	kills := 24
	if long && !raceDetector {
		kills = 200
	}
	v := agentLives(t, agentsLive, kills, 1)
	if v.faults() > 0 {
		t.Errorf("%d kills: %s", kills, v)
	}
	if v.cutAsks == 0 || v.calls == 0 || v.kept == 0 || v.clerks == 0 || v.cycles == 0 || kills == 200 && (v.unknown == 0 || v.cutCalls == 0) {
		t.Errorf("too little happened for the test to mean anything: %s", v)
	}
}

// The same test finds faults in systems that have them.
func TestAgentsKilledControls(t *testing.T) {
	find := map[string]func(v *agentVerdict) int{
		forgetsSteps:  func(v *agentVerdict) int { return min(v.reasked, v.recalled) },
		recordsLate:   func(v *agentVerdict) int { return v.faults() },
		onceIsIgnored: func(v *agentVerdict) int { return v.twice },
	}
	for role, found := range find {
		t.Run(strings.TrimPrefix(role, agentsLive+" "), func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(10) {
				if found(agentLives(t, role, 12, seed)) > 0 {
					return
				}
			}
			t.Errorf("nothing was found in a system with %s", role)
		})
	}
}
