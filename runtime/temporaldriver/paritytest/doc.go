// Package paritytest holds a driver of stacks against the embedded engine: the same graphs, the
// same results of nodes and the same moments from outside have to come to the same records,
// states and cursors.
//
// A Case is one run, with everything in it that happens: what each attempt comes to and how long
// it takes, and what is done from outside, when. Memstore and Boltstore run it in the embedded
// engine in fake time; a driver brings its own run, keeps its commits with a Recorder, and holds
// the two Outcomes against each other with Diff.
package paritytest
