// Package late makes what a program may not need at all: patterns are compiled when they
// are first used, so that a program starts without them.
package late
