// Package feed tells any number of listeners what happens to the stacks of a runtime.
//
// There are three kinds of news. A Commit has the records of one commit of one stack, and
// comes once the store has them: a listener gets every commit, in order for one stack,
// at the same time for several. The stack waits for its listeners, so nothing is lost
// and a slow listener slows the stack down. A Note says what a task is doing at the
// moment, and a Delta is a piece of text that it has just produced. Nobody waits for
// their delivery: a listener that is busy misses some.
//
//	var f feed.Feed
//	f.OnCommit("", func(c feed.Commit) { log.Println(c.Stack, len(c.Records)) })
//	rt, err := runtime.Open(ctx, runtime.Config{Store: store, Kinds: kinds, Feed: &f})
//
// One feed may outlive its runtime, and serve the next one.
package feed
