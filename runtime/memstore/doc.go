// Package memstore keeps stacks in memory: for tests, and for programs that
// need no history after they end. Nothing is encoded: values and records are
// immutable by convention, and shared with whoever committed them.
package memstore
