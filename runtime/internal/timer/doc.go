// Package timer calls functions when their time has come.
//
// A Heap needs one timer of the Go runtime for all of them, and no goroutine while
// nothing is due. A runtime with ten thousand stacks that pause has ten thousand
// entries in a heap, and nothing else.
package timer
