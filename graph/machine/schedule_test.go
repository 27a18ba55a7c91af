package machine

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
)

const scheduledGraph = `
graphrun: 1
name: scheduled
params: {hour: {type: string, default: "5"}}
state: {seen: list(string), n: {type: integer, reduce: sum}}
events: {n: {to: n}}
nodes:
  a: {uses: work, with: {day: "${{ cycle.due }}"}, writes: {seen: 'cycle.due == nil ? ["-"] : [formatTime(cycle.due ?? now, "2 15:04")]'}}
edges:
  - {to: a}
limits: {failures: 0}
`

// cyclesOf says of each cycle when it began and which moment it was for.
func cyclesOf(records []journal.Record) (all []string) {
	const layout = "2 15:04"
	for _, rec := range records {
		if b, ok := rec.Body.(*journal.CycleStarted); ok {
			due := "-"
			if !b.Due.IsZero() {
				due = b.Due.UTC().Format(layout)
			}
			all = append(all, rec.Time.Format(layout)+" for "+due)
		}
	}
	return all
}

// playLines does lines that are parted by semicolons; `N*` before one does it N times.
func playLines(r *rig, lines string) {
	for line := range strings.SplitSeq(lines, ";") {
		n := 1
		line = strings.TrimSpace(line)
		if times, rest, ok := strings.Cut(line, "*"); ok {
			if _, err := fmt.Sscan(times, &n); err == nil {
				line = strings.TrimSpace(rest)
			}
		}
		for range n {
			if line == "run" {
				do(r, "wake")
				do(r, "done a")
				continue
			}
			do(r, line)
		}
	}
}

// The stack is created on Friday the 2nd at 03:04:05.
var scheduleCases = map[string]struct {
	schedule string
	lines    string
	want     []string
}{
	"at the start": {
		`{cron: "0 5 * * *"}`, "run; run; run",
		[]string{"2 03:04 for 2 03:04", "2 05:00 for 2 05:00", "3 05:00 for 3 05:00"},
	},
	"not at the start": {
		`{cron: "0 5 * * *", at_start: false}`, "run; run",
		[]string{"2 05:00 for 2 05:00", "3 05:00 for 3 05:00"},
	},
	"begun late": {
		`{cron: "0 5 * * *"}`, "tick +50h; crash; run; run",
		[]string{"4 05:04 for 2 03:04", "5 05:00 for 5 05:00"},
	},
	"all, begun late": {
		`{cron: "0 5 * * *", catch_up: all}`, "tick +50h; crash; 5*run",
		[]string{"4 05:04 for 2 03:04", "4 05:04 for 2 05:00", "4 05:04 for 3 05:00", "4 05:04 for 4 05:00", "5 05:00 for 5 05:00"},
	},
	"none, begun late": {
		`{cron: "0 5 * * *", catch_up: none}`, "tick +50h; crash; 2*run",
		[]string{"4 05:04 for 2 03:04", "5 05:00 for 5 05:00"},
	},

	"last, down for days": {
		`{cron: "0 5 * * *"}`, "run; tick +75h; crash; run; run",
		[]string{"2 03:04 for 2 03:04", "5 06:04 for 5 05:00", "6 05:00 for 6 05:00"},
	},
	"all, down for days": {
		`{cron: "0 5 * * *", catch_up: all}`, "run; tick +75h; crash; 5*run",
		[]string{"2 03:04 for 2 03:04", "5 06:04 for 2 05:00", "5 06:04 for 3 05:00", "5 06:04 for 4 05:00", "5 06:04 for 5 05:00", "6 05:00 for 6 05:00"},
	},
	"none, down for days": {
		`{cron: "0 5 * * *", catch_up: none}`, "run; tick +75h; crash; wake; run",
		[]string{"2 03:04 for 2 03:04", "6 05:00 for 6 05:00"},
	},
	"none, back within the minute": {
		`{cron: "0 5 * * *", catch_up: none}`, "run; tick +116m; crash; run",
		[]string{"2 03:04 for 2 03:04", "2 05:00 for 2 05:00"},
	},

	"last, paused for days": {
		`{cron: "0 5 * * *"}`, "run; pause; tick +75h; resume; done a; run",
		[]string{"2 03:04 for 2 03:04", "5 06:04 for 5 05:00", "6 05:00 for 6 05:00"},
	},
	"all, paused for days": {
		`{cron: "0 5 * * *", catch_up: all}`, "run; pause; tick +75h; crash; resume; done a; 4*run",
		[]string{"2 03:04 for 2 03:04", "5 06:04 for 2 05:00", "5 06:04 for 3 05:00", "5 06:04 for 4 05:00", "5 06:04 for 5 05:00", "6 05:00 for 6 05:00"},
	},
	"none, paused for days": {
		`{cron: "0 5 * * *", catch_up: none}`, "run; pause; tick +75h; resume; run",
		[]string{"2 03:04 for 2 03:04", "6 05:00 for 6 05:00"},
	},
	"none, paused over a moment": {
		`{cron: "0 5 * * *", catch_up: none}`, "run; pause; tick +116m; resume; run",
		[]string{"2 03:04 for 2 03:04", "3 05:00 for 3 05:00"},
	},
	"none, an event while paused": {
		`{cron: "0 5 * * *", catch_up: none}`, "run; pause; tick +20h; event n 1; tick +20h; resume; done a; run",
		[]string{"2 03:04 for 2 03:04", "3 19:04 for -", "4 05:00 for 4 05:00"},
	},
	"last, an event while paused": {
		`{cron: "0 5 * * *"}`, "run; pause; tick +1h; event n 1; tick +40h; resume; done a; run",
		[]string{"2 03:04 for 2 03:04", "3 20:04 for 3 05:00", "4 05:00 for 4 05:00"},
	},

	"last, a long cycle": {
		`{cron: "*/5 * * * *"}`, "run; wake; tick +12m; done a; 2*run",
		[]string{"2 03:04 for 2 03:04", "2 03:05 for 2 03:05", "2 03:17 for 2 03:15", "2 03:20 for 2 03:20"},
	},
	"all, a long cycle": {
		`{cron: "*/5 * * * *", catch_up: all}`, "run; wake; tick +12m; done a; 3*run",
		[]string{"2 03:04 for 2 03:04", "2 03:05 for 2 03:05", "2 03:17 for 2 03:10", "2 03:17 for 2 03:15", "2 03:20 for 2 03:20"},
	},
	"none, a long cycle": {
		`{cron: "*/5 * * * *", catch_up: none}`, "run; wake; tick +12m; done a; 1*run",
		[]string{"2 03:04 for 2 03:04", "2 03:05 for 2 03:05", "2 03:20 for 2 03:20"},
	},
	"none, a cycle that ends as the next is due": {
		`{cron: "*/5 * * * *", catch_up: none}`, "run; wake; tick +5m; done a; run",
		[]string{"2 03:04 for 2 03:04", "2 03:05 for 2 03:05", "2 03:10 for 2 03:10"},
	},

	"an event": {
		`{cron: "0 5 * * *"}`, "run; tick +1h; event n 1; run; run",
		[]string{"2 03:04 for 2 03:04", "2 04:04 for -", "2 05:00 for 2 05:00"},
	},
	"all, an event": {
		`{cron: "0 5 * * *", catch_up: all}`, "run; tick +1h; event n 1; run; run",
		[]string{"2 03:04 for 2 03:04", "2 04:04 for -", "2 05:00 for 2 05:00"},
	},
	"wake": {
		`{cron: "0 5 * * *", catch_up: none}`, "run; tick +1h; wake early; done a; run",
		[]string{"2 03:04 for 2 03:04", "2 04:04 for -", "2 05:00 for 2 05:00"},
	},
	"an event before the first moment": {
		`{cron: "0 5 * * *", at_start: false}`, "event n 1; run; run",
		[]string{"2 03:04 for -", "2 05:00 for 2 05:00"},
	},
	"an event while it catches up": {
		`{cron: "0 5 * * *", catch_up: all}`, "run; tick +51h; crash; wake; event n 1; done a; 3*run",
		[]string{"2 03:04 for 2 03:04", "4 06:04 for 2 05:00", "4 06:04 for 3 05:00", "4 06:04 for 4 05:00", "5 05:00 for 5 05:00"},
	},
	"a crash while it catches up": {
		`{cron: "0 5 * * *", catch_up: all}`, "run; tick +51h; crash; wake; crash; done a; crash; tick +1h; crash; 3*run",
		[]string{"2 03:04 for 2 03:04", "4 06:04 for 2 05:00", "4 07:04 for 3 05:00", "4 07:04 for 4 05:00", "5 05:00 for 5 05:00"},
	},

	"all, retried": {
		`{cron: "0 5 * * *", catch_up: all}`, "run; cancel enough; tick +51h; retry; 2*run",
		[]string{"2 03:04 for 2 03:04", "4 06:04 for -", "5 05:00 for 5 05:00"},
	},

	"last, failures": {
		`{cron: "*/5 * * * *"}`, "run; wake; tick +12m; fail a exit no; run",
		[]string{"2 03:04 for 2 03:04", "2 03:05 for 2 03:05", "2 03:20 for 2 03:20"},
	},
	"all, failures": {
		`{cron: "0 5 * * *", catch_up: all}`, "run; tick +51h; crash; wake; fail a exit no; wake; fail a exit no; 2*run",
		[]string{"2 03:04 for 2 03:04", "4 06:04 for 2 05:00", "4 06:04 for 3 05:00", "4 06:04 for 4 05:00", "5 05:00 for 5 05:00"},
	},
	"all, moments in the pause after a failure": {
		"{cron: \"* * * * *\", catch_up: all}\nlimits: {failed_pause: 3m}", "wake; fail a exit no; 4*run",
		[]string{"2 03:04 for 2 03:04", "2 03:07 for 2 03:05", "2 03:07 for 2 03:06", "2 03:07 for 2 03:07", "2 03:08 for 2 03:08"},
	},
	"last, moments in the pause after a failure": {
		"{cron: \"* * * * *\"}\nlimits: {failed_pause: 3m}", "wake; fail a exit no; 2*run",
		[]string{"2 03:04 for 2 03:04", "2 03:08 for 2 03:08", "2 03:09 for 2 03:09"},
	},
	"last, an event in the pause after a failure": {
		"{cron: \"* * * * *\"}\nlimits: {failed_pause: 3m}", "wake; fail a exit no; tick +2m; event n 1; 2*run",
		[]string{"2 03:04 for 2 03:04", "2 03:06 for -", "2 03:07 for 2 03:07"},
	},
	"all, an event in the pause after a failure": {
		"{cron: \"* * * * *\", catch_up: all}\nlimits: {failed_pause: 3m}", "wake; fail a exit no; tick +90s; event n 1; 2*run",
		[]string{"2 03:04 for 2 03:04", "2 03:05 for 2 03:05", "2 03:06 for 2 03:06"},
	},
}

// Each case holds with a crash after any commit, and is decided again as it was.
func TestSchedules(t *testing.T) {
	t.Parallel()
	for name, tt := range scheduleCases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := compile(t, strings.Replace(scheduledGraph, "limits: {failures: 0}\n", "", 1)+"schedule: "+tt.schedule+"\n")
			advances := 0
			for crashAt := 0; crashAt <= advances; crashAt++ {
				r := newRig(t, g)
				r.crashAt = crashAt
				do(r, "start")
				playLines(r, tt.lines)
				if d := cmp.Diff(tt.want, cyclesOf(r.records)); d != "" {
					t.Fatalf("crash at %d (-want +got)\n%s", crashAt, d)
				}
				_, due, _ := strings.Cut(tt.want[len(tt.want)-1], " for ")
				if seen := value.String(r.m.State()["seen"]); seen != `["`+due+`"]` {
					t.Fatalf("the last cycle saw %s as cycle.due", seen)
				}
				checkReplay(t, r)
				if crashAt == 0 {
					advances = r.advances
				}
			}
		})
	}
}

// newScheduled is a stack with a schedule that has begun at a given moment.
func newScheduled(t *testing.T, schedule, at string) *rig {
	t.Helper()
	r := newRig(t, compile(t, scheduledGraph+"schedule: "+schedule+"\n"))
	var err error
	if r.clock, err = time.Parse(time.RFC3339, at); err != nil {
		t.Fatal(err)
	}
	do(r, "start")
	return r
}

// Clocks go forward in Berlin on 29 March 2026 at 01:00 UTC, and back on 25 October at 01:00
// UTC.
func TestSchedulesWhenClocksChange(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		cron, start, down string
		want              []string
	}{
		"forward over a fixed hour": {"30 2 * * *", "2026-03-27T12:00:00Z", "72h", []string{"30 12:00 for 28 01:30", "30 12:00 for 29 01:00", "30 12:00 for 30 00:30"}},
		"back over a fixed hour":    {"30 2 * * *", "2026-10-23T12:00:00Z", "72h", []string{"26 12:00 for 24 00:30", "26 12:00 for 25 00:30", "26 12:00 for 26 01:30"}},
		"back with every hour":      {"30 * * * *", "2026-10-24T23:00:00Z", "3h", []string{"25 02:00 for 24 23:30", "25 02:00 for 25 00:30", "25 02:00 for 25 01:30"}},
		"forward with every hour":   {"30 * * * *", "2026-03-29T00:00:00Z", "2h", []string{"29 02:00 for 29 00:30", "29 02:00 for 29 01:30"}},
	} {
		for _, mode := range []string{"all", "last", "none"} {
			r := newScheduled(t, fmt.Sprintf(`{cron: "%s", timezone: Europe/Berlin, at_start: false, catch_up: %s}`, tt.cron, mode), tt.start)
			want := tt.want
			switch mode {
			case "all":
				playLines(r, "tick +"+tt.down+"; crash")
				for range want {
					playLines(r, "run")
				}
			case "last":
				want = want[len(want)-1:]
				playLines(r, "tick +"+tt.down+"; crash; run")
			case "none": // each in its time
				for i := range want {
					_, due, _ := strings.Cut(want[i], " for ")
					want[i] = due + " for " + due
					playLines(r, "run")
				}
			}
			if d := cmp.Diff(want, cyclesOf(r.records)); d != "" {
				t.Errorf("%s, %s (-want +got)\n%s", name, mode, d)
			}
			checkReplay(t, r)
		}
	}
}

// No more than 1,000 moments are made up for, the last ones, also over restarts.
func TestSchedulesCatchUpIsBounded(t *testing.T) {
	t.Parallel()
	r := newScheduled(t, `{cron: "* * * * *", catch_up: all, at_start: false}`, "2026-01-01T00:00:30Z")
	r.unchecked = true
	down := 30 * 24 * time.Hour
	r.clock = r.clock.Add(down)
	do(r, "crash")
	first := r.clock.Truncate(time.Minute).Add(-(graph.MostCaughtUp - 1) * time.Minute)
	for i := range graph.MostCaughtUp {
		if i%300 == 0 {
			do(r, "crash")
		}
		playLines(r, "run")
	}
	var got []time.Time
	for _, rec := range r.records {
		if b, ok := rec.Body.(*journal.CycleStarted); ok {
			got = append(got, b.Due)
		}
	}
	for i, due := range got {
		if want := first.Add(time.Duration(i) * time.Minute); !due.Equal(want) {
			t.Fatalf("cycle %d is for %s, want %s", i+1, due, want)
		}
	}
	if wake := r.m.WakeAt(); len(got) != graph.MostCaughtUp || !wake.Equal(r.clock.Truncate(time.Minute).Add(time.Minute)) {
		t.Fatalf("%d cycles, and the next at %s", len(got), wake)
	}
}

// Each stack has its own schedule, by its params, and the same one after a restart.
func TestSchedulesOfParams(t *testing.T) {
	t.Parallel()
	g := compile(t, scheduledGraph+`schedule: {cron: "0 ${{ params.hour }} * * *", at_start: false}`+"\n")
	for hour, want := range map[string]string{"7": "2 07:00 for 2 07:00", "22": "2 22:00 for 2 22:00", "": "2 05:00 for 2 05:00"} {
		r := newRig(t, g)
		params := map[string]any{}
		if hour != "" {
			params["hour"] = hour
		}
		if err := r.start(params, nil); err != nil {
			t.Fatal(err)
		}
		playLines(r, "crash; run; crash")
		if got := cyclesOf(r.records)[0]; got != want {
			t.Errorf("hour %q: %s, want %s", hour, got, want)
		}
		if wake := r.m.WakeAt(); !wake.Equal(r.clock.Add(24 * time.Hour)) {
			t.Errorf("hour %q: the next one at %s", hour, wake)
		}
		checkReplay(t, r)
	}
	for _, hour := range []string{"25", "x", "5 5"} {
		_, err := New(g, Options{}, journal.Identity{Stack: "s", Params: map[string]any{"hour": hour}}, nil, epoch)
		if err == nil || !strings.Contains(err.Error(), "schedule: ") || !strings.Contains(err.Error(), `"0 `+hour+` * * *"`) {
			t.Errorf("hour %q: %v", hour, err)
		}
	}
	// A changed graph whose expression its params do not make is refused, and nothing changes.
	r := newRig(t, g)
	do(r, "start")
	playLines(r, "run")
	bad := compile(t, scheduledGraph+`schedule: "${{ params.hour }} * * *"`+"\n")
	before := r.m.Cursor()
	if err := r.m.Adopt(bad, r.clock); err == nil || !strings.Contains(err.Error(), "five fields") {
		t.Errorf("adopted: %v", err)
	}
	if d := cmp.Diff(before, r.m.Cursor()); d != "" {
		t.Error(d)
	}
}

// A changed graph with other moments counts from when it is adopted, and makes up for what
// the old one has missed since then.
func TestSchedulesOfChangedGraphs(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		from, to string // the ends of the graphs
		before   string
		after    string
		want     []string
	}{
		"the same moments": {
			`schedule: {cron: "0 5 * * *", catch_up: all}`, `schedule: {cron: "00 05 * * *", catch_up: all}`, "run; tick +75h; crash", "3*run",
			[]string{"2 03:04 for 2 03:04", "5 06:04 for 2 05:00", "5 06:04 for 3 05:00", "5 06:04 for 4 05:00"},
		},
		"later on the same day": { // the day had its cycle: no second one
			`schedule: {cron: "0 5 * * *", catch_up: all}`, `schedule: {cron: "0 6 * * *", catch_up: all}`, "2*run; tick +5h", "run",
			[]string{"2 03:04 for 2 03:04", "2 05:00 for 2 05:00", "3 06:00 for 3 06:00"},
		},
		"all, down for days": {
			`schedule: {cron: "0 5 * * *", catch_up: all}`, `schedule: {cron: "0 6 * * *", catch_up: all}`, "2*run; tick +49h30m; crash", "3*run",
			[]string{"2 03:04 for 2 03:04", "2 05:00 for 2 05:00", "4 06:30 for 3 06:00", "4 06:30 for 4 06:00", "5 06:00 for 5 06:00"},
		},
		"last, down for days": {
			`schedule: {cron: "0 5 * * *"}`, `schedule: {cron: "0 6 * * *"}`, "2*run; tick +49h30m; crash", "2*run",
			[]string{"2 03:04 for 2 03:04", "2 05:00 for 2 05:00", "4 06:30 for 4 06:00", "5 06:00 for 5 06:00"},
		},
		"missed by the old one, to come by the new one": {
			`schedule: {cron: "0 5 * * *"}`, `schedule: {cron: "0 6 * * *"}`, "2*run; tick +24h30m; crash", "2*run",
			[]string{"2 03:04 for 2 03:04", "2 05:00 for 2 05:00", "3 06:00 for 3 06:00", "4 06:00 for 4 06:00"},
		},
		"an event after it": {
			`schedule: {cron: "0 5 * * *", catch_up: all}`, `schedule: {cron: "0 6 * * *", catch_up: all}`, "2*run; tick +5h", "tick +1h; event n 1; run; run",
			[]string{"2 03:04 for 2 03:04", "2 05:00 for 2 05:00", "2 11:00 for -", "3 06:00 for 3 06:00"},
		},
		"an event before it": {
			`schedule: {cron: "0 5 * * *"}`, `schedule: {cron: "0 6 * * *"}`, "run; pause; tick +1h; event n 1", "resume; done a; run",
			[]string{"2 03:04 for 2 03:04", "2 04:04 for -", "2 06:00 for 2 06:00"},
		},
		"before the first cycle": {
			`schedule: {cron: "0 5 * * *", at_start: false}`, `schedule: {cron: "0 4 * * *", at_start: false}`, "", "2*run",
			[]string{"2 04:00 for 2 04:00", "3 04:00 for 3 04:00"},
		},
		"in place of a pause": {
			`pause: 1h`, `schedule: {cron: "0 5 * * *"}`, "run; tick +1m", "2*run",
			[]string{"2 03:04 for -", "2 05:00 for 2 05:00", "3 05:00 for 3 05:00"},
		},
		"in place of none": {
			`pause: none`, `schedule: {cron: "0 5 * * *"}`, "event n 1; run", "2*run",
			[]string{"2 03:04 for -", "2 05:00 for 2 05:00", "3 05:00 for 3 05:00"},
		},
		"a pause in its place": {
			`schedule: {cron: "0 5 * * *"}`, `pause: 1h`, "run; tick +1m", "2*run",
			[]string{"2 03:04 for 2 03:04", "2 03:05 for -", "2 04:05 for -"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from, to := compile(t, scheduledGraph+tt.from+"\n"), compile(t, scheduledGraph+tt.to+"\n")
			for _, crashes := range []bool{false, true} {
				r := newRig(t, from)
				do(r, "start")
				if tt.before != "" {
					playLines(r, tt.before)
				}
				if err := r.m.Adopt(to, r.clock); err != nil {
					t.Fatal(err)
				}
				r.g = to
				r.drain()
				if crashes {
					do(r, "crash")
				}
				playLines(r, tt.after)
				if d := cmp.Diff(tt.want, cyclesOf(r.records)); d != "" {
					t.Fatalf("crashes %v (-want +got)\n%s", crashes, d)
				}
				again := r.replayer()
				again.Graphs = func(hash string) (*graph.Graph, error) {
					if hash == from.Hash {
						return from, nil
					}
					return to, nil
				}
				if _, differences, err := again.To(journal.Point{}); err != nil || len(differences) > 0 {
					t.Errorf("replay: %v %v", differences, err)
				}
			}
		})
	}
}

// A stack of a version that kept no moments continues with its schedule.
func TestSchedulesOfOlderStores(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		before string
		after  string
		want   []string
	}{
		"not begun":     {"tick +1m", "crash; 2*run", []string{"2 03:05 for 2 03:04", "2 05:00 for 2 05:00"}},
		"pauses":        {"run", "tick +75h; crash; 2*run", []string{"2 03:04 for -", "5 06:04 for 5 05:00", "6 05:00 for 6 05:00"}},
		"a cycle":       {"wake", "tick +75h; crash; done a; 2*run", []string{"2 03:04 for -", "5 06:04 for 5 05:00", "6 05:00 for 6 05:00"}},
		"a short cycle": {"wake", "crash; done a; run", []string{"2 03:04 for -", "2 05:00 for 2 05:00"}},
		"an event":      {"run; pause; tick +1h; event n 1", "crash; resume; done a; run", []string{"2 03:04 for -", "2 04:04 for -", "2 05:00 for 2 05:00"}},
		"ended already": {"run; cancel x", "crash", []string{"2 03:04 for -"}},
	} {
		r := newRig(t, compile(t, failingGraph+"schedule: {cron: \"0 5 * * *\"}\n"))
		do(r, "start")
		playLines(r, tt.before)
		forgetDue(t, r)
		playLines(r, tt.after)
		if d := cmp.Diff(tt.want, cyclesOf(r.records)); d != "" {
			t.Errorf("%s (-want +got)\n%s", name, d)
		}
		if _, differences, err := r.replayer().To(journal.Point{}); err != nil || len(differences) > 0 {
			t.Errorf("%s: replay: %v %v", name, differences, err)
		}
	}
}

// forgetDue makes the store of a rig one of a version that kept no moments.
func forgetDue(t *testing.T, r *rig) {
	t.Helper()
	var c journal.Cursor
	if err := json.Unmarshal(r.cursor, &c); err != nil {
		t.Fatal(err)
	}
	c.Due = time.Time{}
	r.cursor, _ = json.Marshal(c)
	r.unchecked, r.given = true, nil
	for i := range r.records {
		if b, ok := r.records[i].Body.(*journal.CycleStarted); ok {
			older := *b
			older.Due = time.Time{}
			r.records[i].Body = &older
			r.journal[i] = journal.AppendRecord(nil, r.records[i], true)
		}
	}
}

// A pipeline begins when it is due, once.
func TestSchedulesOfPipelines(t *testing.T) {
	t.Parallel()
	for mode, want := range map[string]string{"last": "5 06:04 for 5 05:00", "all": "5 06:04 for 2 05:00", "none": "6 05:00 for 6 05:00"} {
		r := newRig(t, compile(t, strings.Replace(scheduledGraph, "nodes:", "once: true\nnodes:\n  ask: {uses: approval}", 1)+
			"schedule: {cron: \"0 5 * * *\", at_start: false, catch_up: "+mode+"}\n"))
		do(r, "start")
		playLines(r, "tick +75h; crash; wake; wake; done a; tick +99h")
		do(r, `answer ask {"approved": true, "comment": null, "by": null}`)
		do(r, "wake")
		got := cyclesOf(r.records)
		if c := r.m.Cursor(); len(got) != 2 || got[0] != want || !strings.HasSuffix(got[1], "for -") || c.Status != journal.Completed {
			t.Errorf("%s: %v, %s: %s", mode, got, c.Status, c.Reason)
		}
		checkReplay(t, r)
	}
}
