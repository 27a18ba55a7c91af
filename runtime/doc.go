/*
Package runtime runs stacks: it is the engine that Go programs embed.

A graph says what may run, when, and with what state (packages graph and dsl). A stack is
one run of a graph, with a state of its own. A [Runtime] drives any number of stacks on one
[Store]: it runs their tasks, waits for their pauses, and records everything they do, so
that any later process can continue them.

# Running a graph

A program needs a store, the kinds of nodes that its graphs use, and a graph:

	store, err := boltstore.Open("stacks.db", boltstore.Options{})
	kinds := std.Registry()
	src, problems := dsl.Load("release.graphrun.yaml", kinds)

	rt, err := runtime.Open(ctx, runtime.Config{Store: store, Kinds: kinds})
	stack, err := rt.Start(ctx, src.Graph, runtime.StartOptions{ID: "release-7"})
	result, err := stack.Wait(ctx)

Close the runtime before the store. Close waits for running tasks for the grace of the
configuration, and returns a moment after its context has ended:

	err = rt.Close(ctx)
	err = store.Close()

A store has one runtime at a time. Package memstore keeps stacks in memory, for tests and
for programs that do not need them afterwards.

# Kinds of nodes

A node of a graph says what it uses. The kinds of package nodes/std run programs, call HTTP
servers, wait and ask. Register your own with [nodes.Func], from a function whose argument
and result are Go types, or implement [nodes.Node]:

	type Order struct{ Item string; Count int }
	type Receipt struct{ Number string }

	err := kinds.Register(nodes.Func("order", func(ctx context.Context, o Order) (Receipt, error) {
		...
	}))

Work gets a context that ends when its result is not wanted any more. It may run more than
once: a task that was running when the process died runs again, with the same idempotency
key and a higher attempt number. Work that panics, or ends its goroutine, has failed.

# Restarts

Nothing is acknowledged before it is durable. When Start, Send or Cancel returns, its effect
is in the store. After a restart, a server calls Recover once, and then drives all stacks of
its store:

	n, err := rt.Recover(ctx, runtime.RecoverOptions{})

Resume continues a single stack. Tasks whose results are recorded do not run again. Retry
continues one that has ended.

# Talking to stacks

Send, Answer, CancelTask, Pause, Unpause, Wake, Cancel and End address a stack by its id,
whether it is loaded or not. Status and List report where stacks stand, and At reports the
state at any point of a stack's history. A stack that only waits is unloaded when there are
many of them: it then costs one entry in a heap of timers, and is loaded when it is due or
somebody addresses it.

# Watching

Runtime.Feed tells any number of listeners what happens, once the store has it:

	stop := rt.Feed().OnCommit("", func(c feed.Commit) {
		for _, r := range c.Records {
			log.Println(c.Stack, r.Seq, r.Body)
		}
	})

# Testing

Package runtimetest runs graphs in fake time with scripted nodes: pauses of hours take no
time, and a crash after every commit is one call. Package storetest checks a store of your
own.

# How it works

What a stack does next is decided by package graph/machine, which neither waits nor acts.
Each stack has a mailbox, and a loop that reads it. The loop is a goroutine only while there
is mail. One round of the loop feeds the machine with everything that has arrived, gives new
tasks to their pools, makes one commit, and only then starts the tasks whose start is in
that commit.

The files of this package form layers, and none uses a file above its own: records and
definitions at the bottom, then the mailbox and the drive of one stack, its rounds, the
handle [Stack], the registry of drives, and the commands at the top.
*/
package runtime
