package runtime

import (
	"cmp"
	"container/heap"
	"maps"
	"slices"
	"time"
)

// aging is how long a task has to wait to be worth one more in priority.
const aging = time.Minute

// queue holds the attempts that wait for one pool, and says who is next:
//
//   - The higher priority, where every minute of waiting counts as one more:
//     no task waits for ever because others are more important.
//   - Among equal priorities the stacks take turns. Each attempt gets its turn
//     when it queues up: the one after the turn that is being served, or after
//     the last one of its stack. So a stack with a thousand tasks holds up the
//     single task of another for no more than one turn, whoever came first.
//   - Within a stack and priority: in the order of queueing, and the tasks of one
//     wave in declaration order.
//
// Adding and taking cost a logarithm of the length, and a look at each
// priority that waits.
type queue struct {
	levels map[int]*level // by priority
	len    int
}

// level is the attempts of one priority.
type level struct {
	turns byTurn
	turn  uint64            // that is being served
	last  map[*Stack]uint64 // the last turn that a stack has
}

// add queues those of the attempts that are for pool p, all at once.
func (q *queue) add(p *pool, fresh []*attempt) {
	mine := make([]*attempt, 0, len(fresh))
	for _, a := range fresh {
		if a.pool == p {
			mine = append(mine, a)
		}
	}
	slices.SortStableFunc(mine, declared)
	if q.levels == nil {
		q.levels = map[int]*level{}
	}
	for _, a := range mine {
		l := q.levels[a.task.Priority]
		if l == nil {
			l = &level{last: map[*Stack]uint64{}}
			q.levels[a.task.Priority] = l
		}
		a.tag = max(l.turn, l.last[a.stack]) + 1
		l.last[a.stack] = a.tag
		heap.Push(&l.turns, a)
		q.len++
	}
}

// remove takes an attempt out that is in the queue.
func (q *queue) remove(a *attempt) {
	l := q.levels[a.task.Priority]
	heap.Remove(&l.turns, a.index)
	q.taken(l, a)
}

// pop takes out who is next. There is somebody.
func (q *queue) pop(now time.Time) *attempt {
	var next *level
	for _, priority := range slices.Backward(slices.Sorted(maps.Keys(q.levels))) {
		if l := q.levels[priority]; next == nil || l.turns[0].worth(now) > next.turns[0].worth(now) {
			next = l
		}
	}
	a := heap.Pop(&next.turns).(*attempt)
	next.turn = max(next.turn, a.tag)
	q.taken(next, a)
	return a
}

// taken counts an attempt out, and forgets what does not matter any more.
func (q *queue) taken(l *level, a *attempt) {
	q.len--
	if l.last[a.stack] <= max(l.turn, a.tag) {
		delete(l.last, a.stack)
	}
	if len(l.turns) == 0 {
		delete(q.levels, a.task.Priority)
	}
}

// worth is an attempt's priority with what its waiting adds.
func (a *attempt) worth(now time.Time) int {
	return a.task.Priority + int(now.Sub(a.queuedAt)/aging)
}

// oldest is since when somebody waits; zero: nobody does.
func (q *queue) oldest() (at time.Time) {
	for _, l := range q.levels {
		for _, a := range l.turns {
			if at.IsZero() || a.queuedAt.Before(at) {
				at = a.queuedAt
			}
		}
	}
	return at
}

// declared orders the tasks of a wave.
func declared(a, b *attempt) int {
	return cmp.Or(cmp.Compare(a.task.Node, b.task.Node), cmp.Compare(a.task.Index, b.task.Index))
}

// byTurn is a heap.
type byTurn []*attempt

func (q byTurn) Len() int { return len(q) }

func (q byTurn) Less(i, j int) bool {
	a, b := q[i], q[j]
	return cmp.Or(
		cmp.Compare(a.tag, b.tag),
		a.queuedAt.Compare(b.queuedAt),
		declared(a, b),
		cmp.Compare(a.stack.name, b.stack.name)) < 0
}

func (q byTurn) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}

func (q *byTurn) Push(x any) {
	a := x.(*attempt)
	a.index = len(*q)
	*q = append(*q, a)
}

func (q *byTurn) Pop() any {
	old := *q
	a := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	return a
}
