package pool

import (
	"cmp"
	"container/heap"
	"slices"
	"time"
)

// aging is how long a ticket has to wait to gain one point of priority.
const aging = 10 * time.Second

// queue holds the tickets that wait for one pool or lock, and decides which is next:
//
//   - The highest priority, where every 10 s of waiting add one: no task waits
//     for ever because others are more important.
//   - Among equal priorities the owners take turns. A ticket gets its turn when it
//     queues: the one after the turn that is being served, or after the last one of
//     its owner. So an owner with a thousand tickets delays the only ticket of
//     another by no more than one turn, whichever came first.
//   - For one owner and priority: in the order of queueing, and the tickets that
//     queue together in their own order.
//
// Adding and taking cost a logarithm of the length, and a look at each priority
// that waits.
type queue struct {
	levels map[int]*level // by priority
	len    int
}

// level holds the tickets of one priority.
type level struct {
	turns byTurn
	turn  uint64            // the turn that is being served
	last  map[string]uint64 // the last turn of each owner
}

// add queues a ticket.
func (q *queue) add(t *Ticket) {
	if q.levels == nil {
		q.levels = map[int]*level{}
	}
	l := q.levels[t.Priority]
	if l == nil {
		l = &level{last: map[string]uint64{}}
		q.levels[t.Priority] = l
	}
	t.turn = max(l.turn, l.last[t.Owner]) + 1
	l.last[t.Owner] = t.turn
	heap.Push(&l.turns, t)
	q.len++
}

// remove takes out a ticket that is in the queue.
func (q *queue) remove(t *Ticket) {
	l := q.levels[t.Priority]
	heap.Remove(&l.turns, t.index)
	q.taken(l, t)
}

// pop takes out the next ticket. The queue is not empty.
func (q *queue) pop(now time.Time) *Ticket {
	var next *level
	for _, l := range q.levels { // in any order: no two have the same priority
		if next == nil || cmp.Or(cmp.Compare(l.turns[0].worth(now), next.turns[0].worth(now)), cmp.Compare(l.turns[0].Priority, next.turns[0].Priority)) > 0 {
			next = l
		}
	}
	t := heap.Pop(&next.turns).(*Ticket)
	next.turn = max(next.turn, t.turn)
	q.taken(next, t)
	return t
}

// taken forgets what no longer matters once a ticket has left its level.
func (q *queue) taken(l *level, t *Ticket) {
	q.len--
	if l.last[t.Owner] <= max(l.turn, t.turn) {
		delete(l.last, t.Owner)
	}
	if len(l.turns) == 0 {
		delete(q.levels, t.Priority)
	}
}

// worth is a ticket's priority with what its waiting adds.
func (t *Ticket) worth(now time.Time) int {
	return t.Priority + int(now.Sub(t.Since)/aging)
}

// all lists the tickets: higher priorities first, each in its order.
func (q *queue) all() (list []*Ticket) {
	for _, l := range q.levels {
		list = append(list, l.turns...)
	}
	slices.SortFunc(list, func(a, b *Ticket) int {
		return cmp.Or(-cmp.Compare(a.Priority, b.Priority), a.compare(b))
	})
	return list
}

// oldest returns since when the first ticket waits; zero when none waits.
func (q *queue) oldest() (at time.Time) {
	for _, l := range q.levels {
		for _, t := range l.turns {
			if at.IsZero() || t.Since.Before(at) {
				at = t.Since
			}
		}
	}
	return at
}

// ordered compares the tickets of one wave.
func ordered(a, b *Ticket) int {
	return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.Index, b.Index))
}

// byTurn is a heap.
type byTurn []*Ticket

func (q byTurn) Len() int { return len(q) }

func (q byTurn) Less(i, j int) bool {
	return q[i].compare(q[j]) < 0
}

func (t *Ticket) compare(o *Ticket) int {
	return cmp.Or(
		cmp.Compare(t.turn, o.turn),
		t.Since.Compare(o.Since),
		ordered(t, o),
		cmp.Compare(t.Owner, o.Owner))
}

func (q byTurn) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}

func (q *byTurn) Push(x any) {
	t := x.(*Ticket)
	t.index = len(*q)
	*q = append(*q, t)
}

func (q *byTurn) Pop() any {
	old := *q
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	return t
}
