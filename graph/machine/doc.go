// Package machine decides what one stack does next, and never does it.
//
// It is a pure state machine in the manner of etcd-io/raft's RawNode: Step takes
// what happened, with its time; Ready says what must be stored and what to do
// then; Advance says that it was done. The machine performs no I/O, asks no clock,
// starts no goroutine and knows no context, so `run`, `plan`, `replay` and a
// distributed engine share one meaning of a graph. A Machine is not safe for
// concurrent use.
//
// # A driver
//
// A driver is a loop around a machine:
//
//	m, err := machine.New(g, machine.Options{}, id, state, now)
//	for {
//		for r, ok := m.Ready(); ok; r, ok = m.Ready() {
//			store(r.Records, r.Changes, r.Cursor) // first, in one transaction
//			start(r.Start)                        // then everything else
//			cancel(r.Cancel)
//			wakeAt(r.WakeAt)
//			m.Advance()
//		}
//		err := m.Step(next()) // a result, an event, an answer, Woke, …
//	}
//
// # One cycle
//
// A new stack is due at once: its first Ready has the record stack.started, the
// whole state, and a WakeAt that is now. The driver stores it, and steps Woke.
//
//  1. The cycle begins (cycle.started). What came in since the last one is applied
//     first, in one commit: events, then answers and results of background nodes.
//  2. The machine decides: each node whose sources have settled, on the state as it
//     is, until nothing is left to decide (node.decided). A node that does not run
//     is skipped at once, and so decides what is behind it.
//  3. The nodes that are to run are a wave (wave.started). Their `with` is evaluated,
//     and their tasks are in Ready.Start. Nodes of kind set end here and now.
//  4. For each task, the driver steps TaskRunning when it has a slot, TaskStep for
//     what a later attempt can build on, and TaskDone or TaskFailed at its end. The
//     machine checks outputs against the types of the keys that they are written to,
//     and decides about retries; a backoff, a timeout and a deadline are due times
//     in WakeAt.
//  5. When the last task is over, the wave's writes are reduced into the state, in
//     declaration order, and everything becomes one commit (wave.committed). The
//     machine decides again (2.) with the new state.
//  6. When a decision gives no node to run, the cycle ends (cycle.finished): the
//     stop conditions, the pause, the limits. WakeAt says when the next one begins.
//
// Nodes that wait (approvals, times, events) and nodes in the background leave
// their wave. They are in the Cursor until they end, and are applied in step 1 of
// the next cycle.
//
// # Records
//
// Every change of the machine is one journal.Record that is applied. Deciding
// emits records, restoring applies recorded ones, and both end in the same place:
//
//   - Restore continues a stack from a snapshot. Attempts that were running are
//     orphans: they run again when nothing of them is left.
//   - Continue does so within the life of a driver: attempts that were running still
//     run. It is for drivers whose work runs in other processes.
//   - Snapshot is a whole stack, as a value that survives JSON.
//   - A Replayer decides a history again, reports every difference, and can stop
//     before any record. Machine.Explain then says how a decision came about.
package machine
