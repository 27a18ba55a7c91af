// Package sim runs a machine in virtual time. Nothing sleeps and no work is done:
// a function says what each task comes to and how long it takes, and the clock
// moves to whatever is due next.
//
// It is a driver as runtime is one, for questions about a graph: what a cycle
// would do (plan), whether a graph does what its tests say, what it would have
// done with other results. It needs no store; what is recorded is handed to a
// function.
//
//	s := sim.New(m, start, func(t machine.Task) sim.Result {
//		return sim.Result{Output: outputs[t.Key.Node], Takes: time.Minute}
//	})
//	err := s.Until(func(r journal.Record) bool { return r.Body.Type() == "cycle.finished" })
//
// Pools are not looked at: every task begins when the machine asks for it.
package sim
