// Package explore looks for what could ever happen to the stacks of a graph. It runs
// many stacks in virtual time (graph/sim), with outputs that are drawn from the types of
// the nodes, and with failures, slow and lost answers, events, approvals and crashes at
// random. It reports states that nothing can bring on, failures that legal outputs can
// cause, what is never reached, and what grows.
//
//	x, err := explore.New(g, explore.Options{Seed: 1})
//	report := x.Explore(func() bool { return false })
//
// One seed explores the same stacks in the same order on every machine, whatever the
// number of workers is: each stack has its own random numbers, which follow from the seed
// and its place, and what stacks found is joined by rules that do not depend on which
// was first.
//
// The outputs of a node fit its declared type. Where the type is not known, they are
// drawn so that the node's `writes` can work with them (cond.Demand), and what fails
// because of such an output is no finding. Work is never done: of all kinds only set and
// the kinds of the engine itself behave as they are.
package explore
