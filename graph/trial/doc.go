// Package trial runs tests of graphs: in virtual time, with replies in place of the work
// of nodes. A Suite is a file of tests as values. Package dsl reads one from YAML, and
// Suite.YAML writes one. Check compares a suite with the graph that it is about, and Run
// runs one test of it.
//
// The machine of the tests is that of every engine (graph/machine), driven by graph/sim: a
// test cannot disagree with an engine about what a graph means. Nothing runs but what the
// engine does itself: nodes that only set values, fail, wait or send, and graphs within
// graphs.
package trial
