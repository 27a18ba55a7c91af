/*
Package cluster builds a Temporal server, starts it in a process of its own, kills it and starts
it again on the same database:

	program, err := cluster.Build(ctx, dir)
	c, err := cluster.Start(ctx, cluster.Options{Program: program, Dir: dir})
	defer c.Close()

The process ends with the one that started it.
*/
package cluster
