// Package program runs programs: each at the head of a process group of its own, which is
// ended with all that it started. It is what nodes/std and nodes/mcp have in common.
package program
