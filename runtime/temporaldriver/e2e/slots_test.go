package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
)

// seatsGraph has tasks that need a seat, of a pool with three, and tasks that need one alone.
const seatsGraph = `
graphrun: 1
name: seats
pools: {llm: {parallel: %[1]d%[2]s}}
state: {n: {type: integer, reduce: sum}}
nodes:
  ask:
    uses: seat
    pool: %[3]s
    for_each: {in: "[1, 2, 3, 4]", as: it, max: 4}
    with: {room: %[4]q, seats: 3, ms: 150}
  alone: {uses: seat, lock: %[5]s, with: {room: %[6]q, seats: 1, ms: 50}, writes: {n: "1"}}
edges: [{from: ask, to: alone}]
pause: 1s
stop: state.n >= 2
`

// room is a folder of a test with seats.
func room(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// startAll starts stacks, and returns a function that waits for their ends.
func startAll(t *testing.T, all *stacks, text string, s settings, names []string) (wait func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	g := compile(t, text, registry(t, s.Ledger))
	for _, name := range names {
		if err := all.Start(ctx, g, runtime.StartOptions{ID: name}); err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		var group sync.WaitGroup
		for _, name := range names {
			group.Go(func() {
				out, err := all.Wait(ctx, name)
				if err != nil || out.Status != journal.Completed {
					t.Errorf("%s: %s %s %v", name, out.Status, out.Reason, err)
				}
			})
		}
		group.Wait()
	}
}

func stackNames(prefix string, n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprintf("%s%02d", prefix, i))
	}
	return names
}

// count is how often something was noted.
func count(all []entry, what string) (n int) {
	for _, e := range all {
		if e.what == what {
			n++
		}
	}
	return n
}

// TestSlotsOfFleet: stacks on two workers, one of which is killed, share the slots of a pool and
// a lock. No task ever finds all seats taken. Workflows of stacks and limiters continue as others
// all the time.
func TestSlotsOfFleet(t *testing.T) {
	t.Parallel()
	c := sharedCluster(t)
	s := settings{Address: c.Address(), Queue: t.Name(), Ledger: tempFile(t, "ledger"), Heartbeat: 2 * time.Second, Events: 150}
	first, second := newWorker(t, s), newWorker(t, s)
	all := newStacks(t, c.Address(), s.Queue, registry(t, s.Ledger))
	seats, alone := room(t, "seats"), room(t, "alone")
	wait := startAll(t, all, fmt.Sprintf(seatsGraph, 3, "", "llm", seats, "deploy", alone), s, stackNames("seats", 20))
	for n, w := range []*worker{first, second, first} {
		until(t, "work", func() bool { return count(readLedger(t, s.Ledger), ended) > 25*(n+1) })
		w.kill()
		w.again()
	}
	wait()
	got := readLedger(t, s.Ledger)
	t.Logf("%d attempts began, %d ended", count(got, began), count(got, ended))
	if n := count(got, crowded); n > 0 {
		t.Errorf("%d tasks ran beyond the slots of the pool, or with a lock that another one had", n)
	}
	if n := count(got, ended); n < 20*2*5 {
		t.Errorf("%d tasks ended", n)
	}
	if _, err := os.Stat(filepath.Join(seats, "2")); err != nil {
		t.Error("the three seats were never taken at once")
	}
	for _, id := range []string{"graphrun.pool@" + s.Queue + "/seats/llm", "graphrun.lock@" + s.Queue + "/" + lockDigit} {
		run, err := all.c.DescribeWorkflowExecution(t.Context(), id, "")
		if err != nil {
			t.Error(err)
			continue
		}
		if i := run.GetWorkflowExecutionInfo(); i.GetFirstRunId() == i.GetExecution().GetRunId() {
			t.Errorf("the workflow of %s never continued as another one", id)
		}
	}
}

// lockDigit is that of the limiter of the lock "deploy".
const lockDigit = "b"

// TestSeatsNotice: without a pool and a lock that all share, tasks do find all seats taken. Else
// TestSlotsOfFleet would show nothing.
func TestSeatsNotice(t *testing.T) {
	t.Parallel()
	c := sharedCluster(t)
	s := settings{Address: c.Address(), Queue: t.Name(), Ledger: tempFile(t, "ledger"), Heartbeat: 5 * time.Second}
	newWorker(t, s)
	all := newStacks(t, c.Address(), s.Queue, registry(t, s.Ledger))
	startAll(t, all, fmt.Sprintf(seatsGraph, 3, "", "default", room(t, "seats"), `""`, room(t, "alone")), s, stackNames("notice", 6))()
	if n := count(readLedger(t, s.Ledger), crowded); n == 0 {
		t.Error("nobody notices that all seats are taken")
	}
}

// TestRateOfFleet: the starts of all stacks together keep a rate.
func TestRateOfFleet(t *testing.T) {
	t.Parallel()
	c := sharedCluster(t)
	s := settings{Address: c.Address(), Queue: t.Name(), Ledger: tempFile(t, "ledger"), Heartbeat: 5 * time.Second}
	newWorker(t, s)
	newWorker(t, s)
	all := newStacks(t, c.Address(), s.Queue, registry(t, s.Ledger))
	const rate, tasks = 2, 5 * 2 * 4
	seats := room(t, "seats")
	startAll(t, all, fmt.Sprintf(seatsGraph, 3, fmt.Sprintf(", rate: %d/s", rate), "llm", seats, `""`, room(t, "alone")), s, stackNames("rate", 5))()
	var at []int64
	for _, e := range readLedger(t, s.Ledger) {
		ms, err := strconv.ParseInt(e.more, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if e.what == began && strings.Contains(e.key, "/ask/") {
			at = append(at, ms)
		}
	}
	if len(at) != tasks {
		t.Fatalf("%d tasks of the pool began, expected %d", len(at), tasks)
	}
	// A task begins a moment after it was allowed to, so two may be closer than the rate says.
	took := time.Duration(slices.Max(at)-slices.Min(at)) * time.Millisecond
	t.Logf("%d tasks began within %v", tasks, took)
	if least := (tasks/rate - 2) * time.Second; took < least {
		t.Errorf("%d tasks began within %v, at a rate of %d/s: expected at least %v", tasks, took, rate, least)
	}
}

// TestTerminatedHolder: somebody terminates a stack that has all slots. The others get them.
func TestTerminatedHolder(t *testing.T) {
	if !long {
		t.Skip("it takes two minutes")
	}
	t.Parallel()
	c := sharedCluster(t)
	s := settings{Address: c.Address(), Queue: t.Name(), Ledger: tempFile(t, "ledger"), Heartbeat: 2 * time.Second}
	newWorker(t, s)
	all := newStacks(t, c.Address(), s.Queue, registry(t, s.Ledger))
	text := fmt.Sprintf(`
graphrun: 1
name: holder
pools: {one: {parallel: 1}}
state: {n: {type: integer, reduce: sum}}
nodes: {hold: {uses: gate, pool: one, with: {file: %q}, writes: {n: "1"}}}
stop: state.n >= 1
`, tempFile(t, "gate"))
	startAll(t, all, text, s, []string{"holder"})
	until(t, "the holder's task", func() bool { return count(readLedger(t, s.Ledger), began) == 1 })
	startAll(t, all, text, s, []string{"heir"})
	if err := all.c.TerminateWorkflow(t.Context(), "holder", "", "by a test"); err != nil {
		t.Fatal(err)
	}
	end := time.Now().Add(4 * time.Minute)
	for count(readLedger(t, s.Ledger), began) < 2 {
		if time.Now().After(end) {
			t.Fatal("the slot of a stack that was terminated is lost")
		}
		<-time.After(100 * time.Millisecond)
	}
}
