// Package serve runs graph files and all stacks of a store in one process, as
// `graphrun serve` does.
//
// LoadGraphs reads the files. Listen opens a TCP port with or without TLS. Run
// opens a runtime on the store, recovers its stacks, answers commands on the
// store's control socket and on the port, and adopts graph files that change. It
// returns when its context ends, after a clean checkpoint.
//
// The package takes no flags, reads no signals and prints nothing: a program that
// embeds a server decides about these.
package serve
