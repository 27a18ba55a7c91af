// Command peers measures graphrun beside the library github.com/cloudwego/eino, and beside
// the bare limits: the same work without an engine, in memory, in bbolt and in a file. It
// prints what docs/performance.md tells, as Markdown.
//
//	make bench                                        # everything, some minutes
//	GOWORK=off go -C bench/peers run . -list          # the rows
//	GOWORK=off go -C bench/peers run . -run memory    # some of them
//
// Each side of a row does the same cycles of the same nodes, and figures are counted by that
// work, not by commits. The sides take turns in one run, each in a process of its own.
//
// This is a module of its own, so that graphrun does not depend on its peers.
package main
