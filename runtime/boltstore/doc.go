// Package boltstore keeps stacks in a bbolt file with a log in front of it, owned by one process.
//
// What it guarantees beyond runtime.Store:
//
//   - A commit writes what changed: list elements, properties of merged objects,
//     changed keys and the new records, never the state or the history. Values
//     of 2 KiB and more are written once, out of line, however often they are set.
//   - A commit is in the log, a file beside the database, when it is acknowledged.
//     Commits that arrive while others are written share the next write and sync.
//     The database follows in the background.
//   - Every row carries a checksum over its place and its bytes. A damaged row
//     is a *Damage that names it, and costs only the stack that it belongs to.
//   - A file is looked through page by page before bbolt may map it: a cut off,
//     overwritten or foreign file is an error, not the end of the process.
//     Nothing is ever repaired, truncated or created again automatically.
//   - A file that exists is complete: it is made under another name first.
//
// The layout is described in layout.go, the reasons in
// docs/adr/0003-store-layout.md and docs/adr/0021-a-log-of-rows.md.
package boltstore
