// Package cassette records what was asked of models and MCP servers and what was
// answered, and answers from such a recording.
//
// A recording is a file of JSON lines, one for each exchange. That of a model has
//
//	{"id","host","path","request","status","content_type","retry_after","body"}
//
// where request and body are the texts that were sent; the body of a streamed answer
// holds its server-sent events as far as they came. status is 0 when there was no
// response: body then says why. Headers are not recorded. That of an MCP server has
//
//	{"id","server","tool","request","body"}
//
// where request and body are the arguments and the output as JSON text, with an
// "error" {kind, message} in place of a body after a failure. A line without a tool
// holds the server's list of tools.
//
// A Player answers questions that mean the same as recorded ones, each as often as it
// was recorded, in the order of the recording. What counts is the model, the messages,
// the tools and the schema of the answer; how a client writes them down does not. Nor do
// the ids of calls, as long as calls and results fit together, nor settings such as the
// temperature. Nothing goes over the network.
package cassette
