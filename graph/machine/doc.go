// Package machine decides what one stack does next, and never does it.
//
// It is a pure state machine in the manner of etcd-io/raft's RawNode: Step
// takes what happened, with its time; Ready says what must be stored and what to
// do then; Advance says that it was done. A driver is a loop around it:
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
// The machine performs no I/O, asks no clock, starts no goroutine and knows no
// context, so `run`, `plan`, `replay` and a distributed engine share one meaning
// of a graph. A Machine is not safe for concurrent use.
//
// Inside, every change of the machine is one record that is applied. Deciding
// emits records, restoring applies recorded ones, and both end in the same place.
// Restore continues a stack from a snapshot; Replay decides a history again and
// reports every difference.
package machine
