package machine

import (
	"strings"
	"testing"
	"time"
)

const failingGraph = `
graphrun: 1
name: failing
state: {go: {type: boolean, default: true}, n: {type: integer, reduce: sum}}
events: {go: {to: go}, n: {to: n}}
nodes:
  a: {uses: work}
edges:
  - {to: a, when: state.go}
`

// pauseNow is how long the stack pauses from now on.
func pauseNow(r *rig) time.Duration { return r.m.Cursor().WakeAt.Sub(r.clock) }

// ended ends the present cycle: a fails or is done, or nothing runs.
func cycleOf(r *rig, how string) {
	switch how {
	case "fail":
		do(r, "wake early")
		do(r, "fail a exit no")
	case "done":
		do(r, "wake early")
		do(r, "done a")
	case "idle":
		do(r, "event go false")
		do(r, "wake early")
		do(r, "event go true")
	default:
		do(r, how)
	}
}

func TestFailedCyclesPauseLonger(t *testing.T) {
	t.Parallel()
	const s = time.Second
	for name, tt := range map[string]struct {
		end    string // pause and limits of the graph
		cycles string
		want   []time.Duration // the pause after each failed or done cycle
	}{
		"none":             {"pause: none", "fail fail fail done fail", []time.Duration{s, 2 * s, 4 * s, 0, s}},
		"a longer pause":   {"pause: 3s", "fail fail fail", []time.Duration{3 * s, 3 * s, 4 * s}},
		"a template":       {"pause: ${{ '1s' }}", "fail fail", []time.Duration{s, 2 * s}},
		"none, computed":   {"pause: \"${{ 'none' }}\"", "fail fail", []time.Duration{s, 2 * s}},
		"its own":          {"pause: none\nlimits: {failed_pause: 100ms}", "fail fail", []time.Duration{s / 10, s / 5}},
		"off":              {"pause: none\nlimits: {failed_pause: 0s}", "fail fail", []time.Duration{0, 0}},
		"an idle cycle":    {"pause: 0s", "fail fail idle fail", []time.Duration{s, 2 * s, 4 * s}},
		"an event":         {"pause: none", "fail event*n*1 fail", []time.Duration{s, 2 * s}},
		"at most 5 min":    {"pause: none\nlimits: {failures: 0, failed_pause: 1m}", "fail fail fail fail fail", []time.Duration{60 * s, 120 * s, 240 * s, 300 * s, 300 * s}},
		"for ever":         {"pause: none\nlimits: {failures: 0}", strings.Repeat("fail ", 70), append([]time.Duration{s, 2 * s, 4 * s, 8 * s, 16 * s, 32 * s, 64 * s, 128 * s, 256 * s}, repeat(300*s, 61)...)},
		"a long one":       {"pause: none\nlimits: {failures: 0, failed_pause: 24h}", "fail", []time.Duration{300 * s}},
		"a schedule":       {`schedule: "*/5 * * * *"`, "fail fail", []time.Duration{55 * s, 55 * s}}, // it is 03:04:05
		"the next due one": {"schedule: \"*/5 * * * *\"\nlimits: {failed_pause: 1m}", "fail fail", []time.Duration{355 * s, 355 * s}},
		"due at that time": {"schedule: \"* * * * *\"\nlimits: {failed_pause: 55s}", "fail fail", []time.Duration{55 * s, 115 * s}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, compile(t, failingGraph+tt.end+"\n"))
			if err := r.start(nil, nil); err != nil {
				t.Fatal(err)
			}
			var got []time.Duration
			for _, how := range strings.Fields(tt.cycles) {
				cycleOf(r, strings.ReplaceAll(how, "*", " "))
				if how == "fail" || how == "done" {
					got = append(got, pauseNow(r))
				}
			}
			if len(got) != len(tt.want) {
				t.Fatalf("pauses %v, want %v", got, tt.want)
			}
			for i := range got {
				if got[i] != tt.want[i] {
					t.Fatalf("pauses %v, want %v", got, tt.want)
				}
			}
		})
	}
}

func repeat(d time.Duration, n int) (all []time.Duration) {
	for range n {
		all = append(all, d)
	}
	return all
}

// Ten failed cycles in a row end a stack, after 8.5 minutes of pauses.
func TestAnOutageOfMinutesEndsNoStack(t *testing.T) {
	t.Parallel()
	r := newRig(t, compile(t, failingGraph+"pause: none\n"))
	if err := r.start(nil, nil); err != nil {
		t.Fatal(err)
	}
	for k := 1; k <= 10; k++ {
		if r.m.Cursor().Status.Ended() {
			t.Fatalf("ended after %d failed cycles", k-1)
		}
		do(r, "wake")
		do(r, "fail a exit no")
	}
	if c := r.m.Cursor(); c.Reason != "failures limit reached: 10 failed cycles in a row" {
		t.Fatalf("%s: %s", c.Status, c.Reason)
	}
	if past := r.clock.Sub(epoch); past != 511*time.Second {
		t.Fatalf("ended after %s", past)
	}
}

// What came in while a failed cycle ran, or comes in later, begins the next one.
func TestWhatComesInEndsAFailedPause(t *testing.T) {
	t.Parallel()
	for name, line := range map[string]string{"event": "event n 1", "wake": "wake early"} {
		r := newRig(t, compile(t, failingGraph+"pause: none\n"))
		if err := r.start(nil, nil); err != nil {
			t.Fatal(err)
		}
		do(r, "wake")
		do(r, "fail a exit no")
		do(r, line)
		if c := r.m.Cursor(); !c.Open && c.WakeAt.After(r.clock) || c.FailedInRow != 1 {
			t.Errorf("%s: wake at %s, %d in a row", name, c.WakeAt, c.FailedInRow)
		}
	}
}

// A history that an older version wrote knows no such pause, and is still the same.
func TestHistoriesWithoutFailedPauses(t *testing.T) {
	t.Parallel()
	r := newRig(t, compile(t, failingGraph+"pause: none\nlimits: {failed_pause: 0s}\n"))
	if err := r.start(nil, nil); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		do(r, "wake")
		do(r, "fail a exit no")
	}
	now := compile(t, failingGraph+"pause: none\n")
	now.Hash = r.g.Hash
	r.g = now
	m, differences, err := r.replayer().To(Point{})
	if err != nil || len(differences) > 0 {
		t.Fatalf("%v %v", differences, err)
	}
	if got := m.Cursor().Counts.Cycles; got != 3 {
		t.Fatalf("%d cycles", got)
	}
}

// A cycle in which no node runs is a failed one when it does not take the failure that was
// left to it, and it counts as any other.
func TestIdleCycleThatFailsCounts(t *testing.T) {
	t.Parallel()
	r := newRig(t, compile(t, failingGraph+`
  - {from: a, to: a, outcome: failure, next_cycle: true, when: "false"}
pause: 0s
`))
	for _, line := range []string{"start", "wake early", "fail a exit no", "event go false", "wake early"} {
		do(r, line)
	}
	c := r.m.Cursor()
	if c.FailedInRow != 1 || c.IdleInRow != 1 || pauseNow(r) != time.Second {
		t.Errorf("failed in a row %d, idle %d, pause %s; want 1, 1 and 1s", c.FailedInRow, c.IdleInRow, pauseNow(r))
	}
}
