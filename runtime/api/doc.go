// Package api is the HTTP API of a running engine, and its client.
//
// One Handler answers on two doors: a unix socket beside the store, which its
// file permissions guard, and TCP, where every request must carry the token.
// What a request may do is read from one table of routes (routes.go), before
// anything else looks at its path.
//
// The engine owns its store, so everybody else reads through it: Client.Store
// is a runtime.Store over the wire, for commands that look into histories.
package api
