package graph

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/graphrun/graphrun/diag"
)

// A definition that was built in Go may have no value that a file may not have.
func TestValues(t *testing.T) {
	t.Parallel()
	const valid = `{` + start + `, "nodes": [{"id": "a", "uses": "set", "with": {"x": "${{ [state, cycle] }}"}, "pool": "p"}], "pools": [{"name": "p", "parallel": 1}]}`
	least := func(n int) *int { return &n }
	wait := func(d time.Duration) *time.Duration { return &d }
	factor := func(x float64) *float64 { return &x }
	for name, tt := range map[string]struct {
		code   diag.Code
		change func(*Def)
	}{
		"keep":            {diag.BadReducer, func(d *Def) { d.State[0].Keep = -1 }},
		"parallel":        {diag.WrongType, func(d *Def) { d.Pools[0].Parallel = -1 }},
		"rate":            {diag.WrongType, func(d *Def) { d.Pools[0].Rate = -1 }},
		"rate per":        {diag.WrongType, func(d *Def) { d.Pools[0].Rate = 1 }},
		"default timeout": {diag.BadDuration, func(d *Def) { d.Defaults.Timeout = -1 }},
		"default retry":   {diag.WrongType, func(d *Def) { d.Defaults.Retry.Attempts = least(0) }},
		"timeout":         {diag.BadDuration, func(d *Def) { d.Nodes[0].Timeout = -1 }},
		"deadline":        {diag.BadDuration, func(d *Def) { d.Nodes[0].Deadline = -1 }},
		"attempts":        {diag.WrongType, func(d *Def) { d.Nodes[0].Retry = &RetryDef{Attempts: least(0)} }},
		"backoff":         {diag.BadDuration, func(d *Def) { d.Nodes[0].Retry = &RetryDef{Backoff: wait(-1)} }},
		"max_backoff":     {diag.BadDuration, func(d *Def) { d.Nodes[0].Retry = &RetryDef{MaxBackoff: wait(-1)} }},
		"retry factor":    {diag.WrongType, func(d *Def) { d.Nodes[0].Retry = &RetryDef{Factor: factor(math.NaN())} }},
		"ttl":             {diag.BadDuration, func(d *Def) { d.Nodes[0].Cache = &CacheDef{Key: diag.Plain("1"), TTL: -1} }},
		"active":          {diag.BadDuration, func(d *Def) { d.Pause.Active = -1 }},
		"idle":            {diag.BadDuration, func(d *Def) { d.Pause.Idle = -1 }},
		"pause factor":    {diag.WrongType, func(d *Def) { d.Pause.Factor = -2 }},
		"cycles":          {diag.WrongType, func(d *Def) { d.Limits.Cycles = -1 }},
		"node_runs":       {diag.WrongType, func(d *Def) { d.Limits.NodeRuns = -1 }},
		"tokens":          {diag.WrongType, func(d *Def) { d.Limits.Tokens = -1 }},
		"failures":        {diag.WrongType, func(d *Def) { d.Limits.Failures = least(-1) }},
		"duration":        {diag.BadDuration, func(d *Def) { d.Limits.Duration = -1 }},
		"cost":            {diag.WrongType, func(d *Def) { d.Limits.Cost = math.Inf(1) }},
		"history":         {diag.WrongType, func(d *Def) { d.History.Cycles = -1 }},
		"age":             {diag.BadDuration, func(d *Def) { d.History.Age = -1 }},
	} {
		var def Def
		if err := json.Unmarshal([]byte(valid), &def); err != nil {
			t.Fatal(err)
		}
		if g, problems := Compile(def, testKinds); g == nil {
			t.Fatalf("the definition itself: %v", problems)
		}
		tt.change(&def)
		g, problems := Compile(def, testKinds)
		if g != nil || len(problems) == 0 || problems[0].Code != tt.code {
			t.Errorf("%s: %v, want %s", name, problems, tt.code)
		}
	}
}
