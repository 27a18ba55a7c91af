/*
Speed measures how many cycles a second stacks do on a real Temporal server, beside a Temporal
workflow of the same work that is written by hand, and beside the embedded engine on a file:

	go run ./speed                    # 1, 10 and 100 stacks, three rounds, about six minutes
	go run ./speed -stacks 10 -time 30s -pool

The graph has five nodes that do nothing, in three waves, and no pause. Everything runs on this
machine: the server in a process of its own with SQLite, one worker in this one. Each figure has a
server and a database of its own.
*/
package main
