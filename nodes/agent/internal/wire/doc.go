// Package wire is what the clients of all APIs of models have in common: how a question
// goes out and its bytes come in, bounded in size and in time without a byte, how events
// are cut out of a stream, how a provider's failure is read, and how the names of tools
// are written.
package wire
