// Package storetest holds every runtime.Store to the same promises.
//
// A store's own test calls Run. Each check runs on a fresh store, and once
// more with the store closed and opened again before it is read.
package storetest
