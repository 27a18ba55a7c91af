// Package work has the rules that every driver keeps for the work of tasks: what it knows
// about its task, which secrets it may read, and what is masked in all that it gives. It also
// has what a driver checks before a stack begins.
//
// Nothing here runs tasks. A driver is whatever starts the tasks of a machine: package
// runtime in its own process, or a worker in another one. [SecretsOf] looks up the secrets
// of the graphs, [Describe], [Steps] and [Words] fill a nodes.Task, and [Step], [Calls],
// [Talk], [Writes] and [Failure] make what the machine gets from the work.
package work
