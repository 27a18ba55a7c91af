package temporaldriver

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/workflow"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/machine"
)

// A stack begins a task in a pool that is counted over all workers when it has a slot of it. It
// tells the limiter how many slots it could use, and not which tasks it has: so a wave costs a few
// messages, however many tasks it has, and none where the stack keeps using the slots it has.

// leases is what a stack has of pools that are counted over all workers.
type leases struct {
	needs    []need                    // of the tasks that wait, since the last decision
	sessions map[string]*session       // by pool, or lock
	asked    uint64                    // sessions that there were
	uses     map[string]map[string]use // by limiter and session: what it is to hear next
	telling  map[string]bool           // limiters that are being told something
	met      map[string]bool           // limiters that run, as far as this workflow knows
	asking   bool                      // the limiters hear again after a while what the stack needs
}

func newLeases() leases {
	return leases{sessions: map[string]*session{}, uses: map[string]map[string]use{}, telling: map[string]bool{}, met: map[string]bool{}}
}

// need is what tasks that wait need of a pool, or of a lock.
type need struct {
	pool     string
	queued   int
	priority int // of the first of them
	limits   limits
}

// isShared reports whether the slots of a pool are counted over all workers: those that a graph
// declares are, and the pool that every graph has is not.
func isShared(g *graph.Graph, p *graph.Pool) bool {
	return slices.ContainsFunc(g.Def.Pools, func(d graph.PoolDef) bool { return d.Name.Value == p.Name })
}

// sharedPool is the name of a pool over all workers; "" if each stack counts it for itself.
func sharedPool(g *graph.Graph, p *graph.Pool) string {
	switch {
	case !isShared(g, p):
		return ""
	case p.Shared:
		return poolPrefix + "/" + p.Name
	}
	return poolPrefix + g.Name + "/" + p.Name
}

// slotOf is the pool over all workers that a task needs a slot of; "" if it needs none.
func (t *thinking) slotOf(task *machine.Task) string {
	if task.Pool < 0 || task.Child != nil {
		return ""
	}
	return sharedPool(t.def.g, &t.def.g.Pools[task.Pool])
}

// hasSlot reports whether there is a slot for a task.
func (t *thinking) hasSlot(task *machine.Task) bool {
	pool := t.poolOf(task)
	if pool == "" {
		return true
	}
	if slot := t.slotOf(task); slot != "" {
		return t.using[slot] < t.s.slots(slot)
	}
	return t.running[pool] < t.def.g.Pools[task.Pool].Parallel
}

// seat counts a task that begins.
func (t *thinking) seat(task *machine.Task, by int) {
	t.running[t.poolOf(task)] += by
	if slot := t.slotOf(task); slot != "" {
		t.using[slot] += by
	}
	if lock := t.s.lockOf(task.Lock); lock != "" && !t.s.keepsLock(task, lock) {
		t.using[lock] += by
	}
}

// unseat takes back that an attempt begins.
func (t *thinking) unseat(b *begin) {
	t.running[b.pool]--
	if b.slot != "" {
		t.using[b.slot]--
	}
	if b.lock != "" {
		t.using[b.lock]--
	}
}

// limitsOf are the limits of a pool as the newest definition has them that the stack knows.
func (t *thinking) limitsOf(p *graph.Pool) limits {
	if t.next != nil {
		for i := range t.next.g.Pools {
			if n := &t.next.g.Pools[i]; n.Name == p.Name && n.Shared == p.Shared && isShared(t.next.g, n) {
				p = n
			}
		}
	}
	l := limits{Parallel: p.Parallel, Rate: p.Rate}
	if p.Rate > 0 {
		l.Per = p.RatePer
	}
	return l
}

// lacks is what the tasks need that wait. A task that waits for its lock needs no slot yet.
func (t *thinking) lacks() (all []need) {
	if t.s.drains {
		return nil
	}
	add := func(pool string, priority int, l limits) {
		i := slices.IndexFunc(all, func(n need) bool { return n.pool == pool })
		if i < 0 {
			i = len(all)
			all = append(all, need{pool: pool, priority: priority, limits: l})
		}
		all[i].queued++
		all[i].priority = max(all[i].priority, priority)
	}
	reserved := map[string]int{}
	for i := range t.queue {
		task := &t.queue[i]
		if lock := t.s.lockOf(task.Lock); lock != "" && !t.s.keepsLock(task, lock) {
			add(lock, task.Priority, limits{Parallel: 1})
			if !t.hasLock(task, lock, reserved) {
				continue
			}
			reserved[lock]++
		}
		if slot := t.slotOf(task); slot != "" {
			add(slot, task.Priority, t.limitsOf(&t.def.g.Pools[task.Pool]))
		}
	}
	return all
}

// slots is how many slots of a pool the stack has.
func (s *stack) slots(pool string) int {
	if se := s.sessions[pool]; se != nil {
		return se.has()
	}
	return 0
}

// using is how many slots have tasks, by pool.
func (s *stack) using() map[string]int {
	using := map[string]int{}
	for _, f := range s.flights { // in any order: sums
		if f.slot != "" {
			using[f.slot]++
		}
		if f.lock != "" {
			using[f.lock]++
		}
	}
	for _, k := range s.kids { // in any order: a sum
		if k.Running && k.Lock != "" {
			using[k.Lock]++
		}
	}
	return using
}

// freed takes note that a task has left a slot.
func (s *stack) freed(pool string) {
	if se := s.sessions[pool]; se != nil {
		se.end(s.using()[pool])
	}
}

// askForSlots tells the limiters what they have to know.
func (s *stack) askForSlots() {
	if len(s.needs) == 0 && len(s.sessions) == 0 {
		return
	}
	queued := map[string]int{}
	for i := range s.needs {
		n := &s.needs[i]
		queued[n.pool] = n.queued
		se := s.sessions[n.pool]
		if se == nil {
			s.asked++
			id := workflow.GetInfo(s.ctx).WorkflowExecution.ID
			se = &session{ID: fmt.Sprintf("%s/%s/%d", id, s.in.Identity.Nonce, s.asked)}
			se.Sent = use{Pool: n.pool, Session: se.ID, Stack: id}
			s.sessions[n.pool] = se
		}
		se.Priority, se.Limits = n.priority, n.limits
		if strings.HasPrefix(n.pool, poolPrefix) {
			se.Limits.Since = s.in.Taken
		}
	}
	using := s.using()
	hungry := false
	for _, pool := range slices.Sorted(maps.Keys(s.sessions)) {
		se := s.sessions[pool]
		want := max(using[pool], min(using[pool]+queued[pool], atOnce))
		hungry = hungry || want > se.has()
		known := se.N > 0
		m, tell := se.ask(want)
		if m.Over {
			delete(s.sessions, pool)
			tell = known
		}
		if tell {
			s.tellLimiter(&m)
		}
	}
	s.flush()
	if hungry {
		s.askAgain()
	}
}

// askEvery is after how long a stack that waits for slots says so again: its limiter may have been
// removed by somebody.
const askEvery = 10 * time.Minute

func (s *stack) askAgain() {
	if s.asking {
		return
	}
	s.asking = true
	workflow.Go(s.ctx, func(ctx workflow.Context) {
		if workflow.Sleep(ctx, askEvery) != nil {
			return
		}
		s.asking = false
		using := s.using()
		for pool, se := range s.sessions { // in any order: each for itself
			se.Again = se.Again || se.has() <= using[pool]
		}
		s.askForSlots()
	})
}

// hearSlots takes what a limiter says.
func (s *stack) hearSlots(m slotsSignal) {
	se := s.sessions[m.Pool]
	if se == nil || se.ID != m.Session { // the stack has none of them
		s.tellLimiter(&use{Pool: m.Pool, Session: m.Session, Over: true})
		s.flush()
		return
	}
	if se.hear(&m) {
		s.post(letter{})
	} else if se.Again {
		s.askForSlots()
	}
}

// tellLimiter has a limiter hear something with the next message to it.
func (s *stack) tellLimiter(m *use) {
	id := limiterOf(m.Pool, workflow.GetInfo(s.ctx).TaskQueueName)
	if s.uses[id] == nil {
		s.uses[id] = map[string]use{}
	}
	s.uses[id][m.Session] = *m
}

// flush tells the limiters what they are to hear, one message at a time to each, so that they
// hear it in its order.
func (s *stack) flush() {
	for _, id := range slices.Sorted(maps.Keys(s.uses)) {
		if s.telling[id] {
			continue
		}
		var all []use
		for _, session := range slices.Sorted(maps.Keys(s.uses[id])) {
			all = append(all, s.uses[id][session])
		}
		delete(s.uses, id)
		s.telling[id] = true
		workflow.Go(s.ctx, func(ctx workflow.Context) {
			if err := s.reach(ctx, id, all); err != nil {
				workflow.GetLogger(ctx).Error("a limiter does not hear what the stack needs", "limiter", id, "error", err)
			}
			delete(s.telling, id)
			s.flush()
		})
	}
}

// reaches is how often a stack tries to reach a limiter.
const reaches = 8

// reach gives a limiter a message, and has it begin where it does not run.
func (s *stack) reach(ctx workflow.Context, id string, all []use) (err error) {
	for n := range reaches {
		if s.met[id] {
			if err = workflow.SignalExternalWorkflow(ctx, id, "", useName, useSignal{all}).Get(ctx, nil); err == nil {
				return nil
			}
		}
		child := workflow.ExecuteChildWorkflow(workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
			WorkflowID:            id,
			ParentClosePolicy:     enumspb.PARENT_CLOSE_POLICY_ABANDON,
			WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		}), limiterType, limiterInput{Uses: all})
		met := s.met[id]
		s.met[id] = true // it runs, whoever began it
		if begin := child.GetChildWorkflowExecution().Get(ctx, nil); begin == nil {
			return nil
		} else if !met {
			continue
		} else {
			err = errors.Join(err, begin)
		}
		if err := workflow.Sleep(ctx, time.Second<<n); err != nil {
			return err
		}
	}
	return err
}
