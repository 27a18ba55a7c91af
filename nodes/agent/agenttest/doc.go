// Package agenttest is a provider of language models for tests. A Server listens on
// 127.0.0.1 and plays the chat completions, messages, embeddings and models of real
// providers over real HTTP, from a script of replies: texts, calls of tools, streams in
// pieces, and all the ways in which a provider fails. It keeps a ledger of every question
// it was asked, so that a test can say exactly what was paid for, also by a program that
// was killed in the middle.
//
//	srv := agenttest.New(t,
//		agenttest.Calls(agenttest.Call{Name: "customer", Args: map[string]any{"email": "a@b.example"}}),
//		agenttest.Fail(429, "slow down").After(2*time.Second, agenttest.Seconds),
//		agenttest.Text("It is a bug."),
//	)
//	// base_url of api openai: srv.OpenAI(); of api anthropic: srv.Anthropic()
//	...
//	if n := len(srv.Asked()); n != 3 {
package agenttest
