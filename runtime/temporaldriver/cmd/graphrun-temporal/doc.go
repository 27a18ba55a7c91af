// Graphrun-temporal runs graphs of agents on a Temporal cluster.
//
// Usage:
//
//	graphrun-temporal worker       run stacks and their tasks
//	graphrun-temporal start FILE   start a stack
//	graphrun-temporal status ID    show where a stack stands
//	graphrun-temporal help         list all commands
//
// It has the commands of graphrun that start, control and look at stacks, and says the same.
// docs/scale.md describes when to use it.
package main
