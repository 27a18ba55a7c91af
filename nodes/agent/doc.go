// Package agent is the work of language-model agents: a loop of paid questions and tool
// calls over a small interface to models, Model. What a crash interrupts continues after
// the last answer and the last result that were recorded.
//
// An attempt first reads the steps of its task: answers (Answer) and calls that are over
// (Done), which belong together by the ids of the calls. From there on it asks the model,
// records the answer, makes the calls, records each result, and asks again, until the
// model calls nothing any more and its answer fits the declared output.
//
// Agents are the providers of one process: their clients, and what they let through at
// once, are shared by all stacks and nodes.
package agent
