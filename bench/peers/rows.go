package main

import "time"

// quantity is one thing that is measured.
type quantity struct {
	name, unit string
	more       bool // the more the better
	of         func(f figures, w *work) float64
}

func perCycle(d time.Duration, f figures) float64 { return float64(d) / float64(max(1, f.Cycles)) }

var (
	msACycle   = quantity{"a cycle", "ms", false, func(f figures, _ *work) float64 { return perCycle(f.Took, f) / 1e6 }}
	processors = quantity{"of the processors, a cycle", "ms", false, func(f figures, _ *work) float64 { return perCycle(f.CPU, f) / 1e6 }}
	usANode    = quantity{"a node", "µs", false, func(f figures, w *work) float64 { return perCycle(f.Took, f) / 1e3 / float64(w.nodes) }}
	nodeRuns   = quantity{"node runs a second", "", true, func(f figures, w *work) float64 {
		return float64(f.Cycles*w.nodes) / f.Took.Seconds()
	}}
	cyclesASecond = quantity{"cycles a second", "", true, func(f figures, _ *work) float64 { return float64(f.Cycles) / f.Took.Seconds() }}
	bytesACycle   = quantity{"bytes written a cycle", "B", false, func(f figures, _ *work) float64 { return float64(f.Written) / float64(f.Cycles) }}
	bytesANode    = quantity{"bytes written a node run", "B", false, func(f figures, w *work) float64 {
		return float64(f.Written) / float64(f.Cycles*w.nodes)
	}}
	anonymousMB = quantity{"anonymous memory", "MB", false, func(f figures, _ *work) float64 { return float64(f.Anon) / 1e6 }}
	msToOpen    = quantity{"in all", "ms", false, func(f figures, _ *work) float64 { return float64(f.Took) / 1e6 }}
	msAMB       = quantity{"a MB of log", "ms", false, func(f figures, _ *work) float64 { return float64(f.Took) / 1e6 / (float64(f.Log) / 1e6) }}
)

// goal is what a side is to reach: limit, or limit times what another side has.
type goal struct {
	side  string
	limit float64
	of    string // "" for the quantity itself
}

// shown is one line of the table.
type shown struct {
	what  quantity
	goals []goal
}

// trial is measured at once: all sides take turns.
type trial struct {
	job   job
	sides []string
	turns int // at most; 0 means as many as asked for
	shows []shown
}

// commitBytes is how many bytes a commit of the sides without an engine has.
const commitBytes = 300

// trials are all that the table tells, in its order.
func trials() []trial {
	both := func(f, s float64, of string) []goal { return []goal{{"func", f, of}, {"set", s, of}} }
	one := func(q quantity, g ...goal) []shown { return []shown{{q, g}} }
	engines := []string{"func", "set", "eino", "eino pregel"}
	with := func(more ...string) []string { return append(engines[:len(engines):len(engines)], more...) }
	return []trial{
		{job: job{Work: orchestrator, Class: memory}, sides: with("expr"), shows: one(msACycle, both(1.0, 0.55, "eino")...)},
		{job: job{Work: chain, Class: memory}, sides: with("calls"), shows: one(usANode, goal{"func", 0.7, "eino"})},
		{job: job{Work: chainNew, Class: memory}, sides: with("calls"), shows: one(usANode, goal{"func", 1.2, "eino"})},
		{job: job{Work: fan256, Class: memory}, sides: with("calls"), shows: one(msACycle, both(0.18, 0.12, "eino")...)},
		{job: job{Work: fan64, Class: memory}, sides: with("calls"), shows: one(msACycle)},
		{job: job{Work: orchestrator, Class: killSafe}, sides: with("bbolt", "file"), shows: one(msACycle, both(0.85, 0.45, "bbolt")...)},
		{job: job{Work: orchestrator, Class: powerSafe}, sides: with("bbolt", "file", "zeros"), shows: one(msACycle, both(1.1, 1.1, "zeros")...)},
		{job: job{Work: fleetOf, Class: powerSafe, Stacks: 1000, Cycles: 10}, sides: []string{"func", "set", "bbolt groups"}, turns: 5, shows: []shown{
			{nodeRuns, both(60_000, 100_000, "")},
			{bytesANode, both(400, 400, "")},
			{anonymousMB, both(50, 50, "")},
		}},
		{job: job{Work: fleetOf, Class: powerSafe, Stacks: 1000, Cycles: 60}, sides: []string{"func", "set", "bbolt groups"}, turns: 3, shows: []shown{
			{nodeRuns, append(both(75_000, 130_000, ""), both(0.8, 1.3, "bbolt groups")...)},
		}},
		{job: job{Work: fleetOf, Class: powerSafe, Stacks: 100, Cycles: 50}, sides: with("bbolt groups"), turns: 3, shows: one(cyclesASecond, both(12_000, 18_000, "")...)},
		{job: job{Work: oneChanged, Class: memory}, sides: with("expr"), shows: one(msACycle, both(0.8, 0.8, "expr")...)},
		{job: job{Work: noneChanged, Class: memory}, sides: with("expr"), shows: one(msACycle, both(0.15, 0.15, "expr")...)},
		{job: job{Work: oneChanged, Class: killSafe}, sides: with("bbolt"), shows: []shown{
			{msACycle, both(2.5, 2.5, "bbolt")},
			{bytesACycle, both(2500, 2500, "")},
		}},
		{job: job{Work: noneChanged, Class: killSafe}, sides: with("bbolt"), shows: []shown{{msACycle, nil}, {bytesACycle, nil}}},
		{job: job{Work: large, Class: powerSafe, Size: 10_000_000, For: 3 * time.Second}, sides: []string{"func", "set", "bbolt"}, turns: 1,
			shows: one(bytesACycle, both(1000, 1000, "")...)},
		{job: job{Work: starting}, sides: []string{"graphrun", "bare"}, shows: one(msACycle, goal{"graphrun", 4, ""})},
		{job: job{Work: recovering, Class: powerSafe, Stacks: 1000}, sides: []string{"func", "set"}, turns: 3, shows: []shown{
			{msAMB, both(15, 15, "")},
			{msToOpen, both(1000, 1000, "")},
		}},
		{job: job{Work: chain, Class: killSafe}, sides: with("bbolt", "file"), shows: one(usANode)},
		{job: job{Work: chainNew, Class: killSafe}, sides: with("bbolt", "file"), shows: one(usANode)},
		{job: job{Work: chain, Class: powerSafe}, sides: with("bbolt", "file"), shows: one(usANode)},
		{job: job{Work: chainNew, Class: powerSafe}, sides: with("bbolt", "file"), shows: one(usANode)},
		{job: job{Work: fan256, Class: killSafe}, sides: with("bbolt"), shows: one(msACycle)},
		{job: job{Work: fan256, Class: powerSafe}, sides: with("bbolt"), shows: one(msACycle)},
		{job: job{Work: fleetOf, Class: memory, Stacks: 1000, Cycles: 10}, sides: engines, turns: 3, shows: []shown{{nodeRuns, nil}, {anonymousMB, nil}}},
		{job: job{Work: fleetOf, Class: killSafe, Stacks: 1000, Cycles: 10}, sides: []string{"func", "set", "bbolt groups"}, turns: 3, shows: one(nodeRuns)},
	}
}
