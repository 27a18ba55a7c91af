// Package journal is what happened to a stack, and its bytes.
//
// A stack's history is a list of records, numbered from 1: the stack began, an
// event came in, a node was decided, a task ended, a wave was committed. Each
// Record carries one Body. graph/machine writes records, and can take any of its
// decisions again from them.
//
// Between two commits a stack is its Cursor: a small value that says where the
// stack stands, which nodes wait, and what is to happen next. A Snapshot is a
// whole stack as a store keeps it: who it is (Identity), where it stands
// (Cursor), its state, and the records since its present cycle began.
//
// The package also owns the bytes of all of these. A record has two forms. The
// public form is a line of `--trace` and of the HTTP API. The journal form has
// more members (outputs, payloads, the initial state); stores keep it, and
// ParseRecord reads it. Bytes that an earlier version wrote stay readable.
//
// Values in records are canonical (see graph/value) and shared: nobody may
// change them. Nothing in this package decides anything.
package journal
