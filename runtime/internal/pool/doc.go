// Package pool decides which tasks may run: it hands out the slots of pools.
//
// A task that wants a slot is a Ticket. It names its owner (a stack), its priority
// and the moment at which it queued, and has a function that is called when it gets
// its slot. The package knows nothing else of tasks and stacks.
//
// Pools belong to a graph, by the graph's name: all stacks of a graph share them,
// whatever version of the graph they run. A pool has a number of slots, and may have
// a rate of N per period: then at most N tasks start within any period of that
// length. The rate is counted in memory and starts afresh with the process.
//
// A ticket may need a lock besides, which is a text. It takes its lock first and then
// its slot. Locks belong to no graph: of all tickets with an equal text one has the lock.
package pool
