// Package feed tells any number of listeners what happens to the stacks of a runtime.
//
// There are two kinds of news. A Commit has the records of one commit of one stack, and
// comes once the store has them: a listener gets every commit, in order for one stack,
// at the same time for several. The stack waits for its listeners, so nothing is lost
// and a slow listener slows the stack down. A Note says what a task is doing at the
// moment. Nobody waits for its delivery: a listener that is busy misses notes.
//
//	var f feed.Feed
//	f.OnCommit("", func(c feed.Commit) { log.Println(c.Stack, len(c.Records)) })
//	rt, err := runtime.Open(ctx, runtime.Config{Store: store, Kinds: kinds, Feed: &f})
//
// One feed may outlive its runtime, and serve the next one.
package feed
