/*
Server is a Temporal server in one process with a file as its database, for tests that kill it
and start it again:

	server -database FILE -port PORT

It prints one line, "ready", when it serves, and ends when it is interrupted or when its standard
input ends: it does not outlive the test that started it. It has the namespace "default".
*/
package main
