// Package runtimetest is a kit for testing graphs and the kinds they use.
//
// A test runs in a bubble of fake time (package testing/synctest) on a store in
// memory: pauses of hours take no time, and everything happens in the same
// order in every run. The work of nodes is scripted, by node; conditions,
// joins, retries, pauses and reducers are the real ones.
//
//	runtimetest.Run(t, kinds, func(k *runtimetest.Kit) {
//		k.Node("builder", runtimetest.Fails("exit", "no space left"), runtimetest.Returns("built"))
//		s := k.Start(k.Compile(def), runtime.StartOptions{})
//		k.Cycles(s, 1)
//		k.WantState(s, map[string]any{"artifact": "built"})
//	})
//
// A failure of WantState or WantWaves explains the nodes that it is about, as `graphrun explain`
// does: each edge with its condition taken apart, the values, and who wrote them.
//
// Suite runs tests of a graph that are values (package graph/trial); package testfiles below
// this one reads them from test files.
//
// Crash drops the runtime as a power cut would; CrashAtEveryCommit does so
// after every commit of a scenario and compares how it ends.
package runtimetest
