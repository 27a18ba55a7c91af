// Package memstore keeps stacks in memory: for tests, and for programs that
// need no history after they end. Nothing is encoded: values and records are
// immutable by convention, and shared with whoever committed them. So they keep
// little history, unless Store.Cycles says otherwise.
package memstore
