// Package inspect answers questions about stacks without running them: what the
// next cycle would do (PlanStack, PlanGraph), what happened (HistoryOf), why nodes ran
// or did not (Explain), and what the state was at any point of the history (At).
//
// It asks a Reader, which is the part of a store that changes nothing. A
// runtime.Store is one, and so is the client of runtime/api for the store of
// another process. So the same question has the same answer whoever owns the
// store, and whoever asks: a command, the HTTP API, a program that embeds the
// engine.
//
// Answers are decided by graph/machine, from recorded results or, in a plan, in
// the virtual time of graph/sim. A plan takes the time as an argument: this
// package asks no clock.
package inspect
