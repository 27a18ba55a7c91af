// Package cli has the commands of the program graphrun.
//
// Those that start, control and look at stacks do not know where the stacks are. A Program is
// made of them and of a Backend: graphrun, whose backend is the store of --db, or another
// program over another engine.
//
// Main is one line over Run, so that tests drive the whole program in their own
// process. A command turns flags into options and results into output; whatever
// is decided is decided in the packages that it calls.
package cli
