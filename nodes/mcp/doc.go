// Package mcp calls the tools of MCP servers, which it starts once for the whole process.
//
// A server is what the entry of a graph says: a program that speaks over its standard
// streams, or an address. Entries of the same command, environment and folder, or of the
// same address and headers, share one server, whatever graphs they are in. It starts when
// a tool of it is first listed or called. A program that ends is started again, five times
// with growing waits; one that ran for ten minutes before has all five again.
//
// A server can ask for nothing: requests for sampling, elicitation and roots are refused.
// What it sends is bounded, and what it writes on standard error goes to the log. No
// idempotency key goes to a server: the protocol has no place for it, so a tool with
// effects of its own may run twice when a graph tries again.
package mcp
