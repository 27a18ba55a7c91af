// Package runtime runs stacks: it is the engine that Go programs embed.
//
//	rt, err := runtime.Open(ctx, runtime.Config{Store: memstore.New(), Kinds: kinds})
//	stack, err := rt.Start(ctx, g, runtime.StartOptions{ID: "release"})
//	result, err := stack.Wait(ctx)
//	err = rt.Close(ctx)
//
// What a stack does next is decided by package graph/machine; this package
// does it: it keeps what was decided in a Store, runs the tasks within their
// pools, waits for pauses and backoffs, and tells the world what happened once
// the store has it.
//
// A server calls Recover once, and then drives all stacks of its store; Send,
// Answer, Pause, Cancel and the like address them by id, Status and List tell
// where they stand. A stack that waits may be unloaded, and is loaded when it is
// due or addressed. Programs listen to Runtime.Feed: its records tell of
// every task that begins or ends.
//
// Each stack has a mailbox and one loop that empties it. The loop is a
// goroutine only while there is mail: a stack that waits costs memory and one
// entry in a heap of timers, nothing else. A turn of the loop lets the machine
// take in all that has arrived, gives its tasks to the pools, makes one commit,
// and only then starts the tasks whose start is in that commit.
//
// Nothing is acknowledged before it is durable. When a process dies, Resume
// goes on where the store says the stack was: tasks whose results are recorded
// do not run again, those that were running do, with the same key and a higher
// attempt number.
package runtime
