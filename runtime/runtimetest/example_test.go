package runtimetest_test

import (
	"testing"
	"time"

	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/nodes/std"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

// A test of a graph: its nodes are scripted, and hours pass in an instant.
func ExampleRun() {
	_ = func(t *testing.T) {
		runtimetest.Run(t, std.Registry(), func(k *runtimetest.Kit) {
			src, problems := dsl.Load("release.graphrun.yaml", k.Kinds)
			if problems.HasErrors() {
				t.Fatal(problems)
			}
			k.Node("build", runtimetest.Fails("exit", "no space left"), runtimetest.Takes(time.Hour, runtimetest.Returns("app-7")))
			s := k.Start(src.Graph, runtime.StartOptions{})
			k.Forward(90 * time.Minute)
			k.Crash()
			s = k.Resume(s.ID(), runtime.ResumeOptions{})
			k.WantState(s, map[string]any{"artifact": "app-7"})
		})
	}
}
