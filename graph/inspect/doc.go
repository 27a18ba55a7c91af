// Package inspect answers questions about stacks without running them.
//
// It asks a Reader, which is the part of a store that changes nothing. A
// runtime.Store is one, and so is the client of runtime/api for the store of
// another process. So the same question has the same answer whoever owns the
// store.
package inspect
