// Package cli has the commands of the program graphrun.
//
// Main is one line over run, so that tests drive the whole program in their own
// process. A command turns flags into options and results into output; whatever
// is decided is decided in the packages that it calls.
package cli
