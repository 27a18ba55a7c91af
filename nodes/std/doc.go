// Package std holds the kinds of nodes that come with graphrun.
//
// set, exec, http and fail do their work here. The machine settles approval and
// wait; the runtime does send and graph. agent, mcp and memory are declared with
// all that the compiler needs to check a graph that uses them; they are Missing
// until a program registers their work.
package std
