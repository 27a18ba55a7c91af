/*
Package temporaldriver runs stacks on a Temporal cluster, in place of the embedded runtime.

A stack is a workflow whose id is the stack's. A [Worker] runs workflows and the tasks of their
nodes; any number of workers share a task queue:

	c, err := client.Dial(client.Options{HostPort: "temporal:7233"})
	...
	w, err := temporaldriver.NewWorker(c, temporaldriver.Options{Kinds: kinds})
	...
	err = w.Start()

A [Client] starts, commands and reads stacks. It is an engine for package api, so a program gets the
routes and commands of graphrun of it, and a reader for package inspect:

	stacks, err := temporaldriver.NewClient(c, temporaldriver.Options{Kinds: kinds})
	...
	err = stacks.Start(ctx, g, runtime.StartOptions{ID: "tuesday"})

The program graphrun-temporal is made of both. docs/scale.md says what differs from the embedded
engine.
*/
package temporaldriver
