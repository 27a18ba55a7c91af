package torture

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// mutant is a fault put into the engine, and the test that has to find it.
type mutant struct {
	name     string
	file     string // of the module
	old, new string
	pkg, run string
}

// model compares the machine with the naive implementation of the language; matrix
// restores it from every commit.
const (
	model  = "^TestAgainstNaive$"
	matrix = "^(TestAgainstNaive|TestTranscripts|TestCrashMatrix)$"
)

var mutants = []mutant{
	{"a result is dropped when the stack is restored", "graph/machine/restore.go",
		"m.apply(r.Body, r.Time, r.Seq)", "if _, is := r.Body.(*journal.TaskFinished); !is {\n\t\t\tm.apply(r.Body, r.Time, r.Seq)\n\t\t}", "graph/machine", matrix},
	{"a wave is applied twice", "graph/machine/commit.go",
		"	body := &journal.WaveCommitted{Wave: m.cur.Wave,", "	for _, c := range changes {\n\t\tm.set(c.Key, c.Value, 0)\n\t}\n\tchanges, sizes = m.reduce(failures)\n\tbody := &journal.WaveCommitted{Wave: m.cur.Wave,", "graph/machine", matrix},
	{"writes are reduced in another order", "graph/machine/commit.go",
		"values, runs = append(values, r.written[x]), append(runs, k)", "values, runs = append([]any{r.written[x]}, values...), append([]int{k}, runs...)", "graph/machine", model},
	{"one retry too many", "graph/machine/retry.go",
		"tries >= n.Retry.Attempts", "tries > n.Retry.Attempts", "graph/machine", model},
	{"the timer of a backoff is lost", "graph/machine/due.go",
		"		at = sooner(at, t.due)\n	case running:", "		_ = t.due\n	case running:", "graph/machine", matrix},
	{"the result of an old attempt counts", "graph/machine/task.go",
		"if t == nil || t.attempt != attempt {", "if t == nil {", "graph/machine", "^TestStaleInputs$"},
	{"a verdict outlives the state that it is about", "graph/machine/join.go",
		"	if e.Steady {\n", "	if true {\n", "graph/machine", model},
	{"a skip is not told to the nodes behind", "graph/machine/apply.go",
		"	default:\n		m.settle(i, skipped)\n", "	default:\n		n.status = skipped\n", "graph/machine", model},
	{"an else edge is live beside its sibling", "graph/machine/join.go",
		"return !live, \"\"", "return true, \"\"", "graph/machine", model},
	{"a skipped source counts as a failed one", "graph/machine/join.go",
		"	case graph.Failure:\n		return s == failed\n", "	case graph.Failure:\n		return s != succeeded\n", "graph/machine", model},
	{"next_cycle edges see an older cycle", "graph/machine/apply.go",
		"	m.cur.Last = m.lastOf()\n", "	if m.cur.Last == nil {\n\t\tm.cur.Last = m.lastOf()\n\t}\n", "graph/machine", model},
	{"an event is dropped", "graph/machine/intake.go",
		"payloads[key] = append(payloads[key], e.Payload)", "payloads[key] = append(payloads[key][:0], e.Payload)", "graph/machine", matrix},
	{"an event that is sent again is applied again", "graph/machine/event.go",
		"if m.Known(in.ID) {", "if false {", "graph/machine", matrix},
	{"nodes run on after a cancel", "graph/machine/api.go",
		"		m.stop(journal.Cancelled, in.Reason)\n", "		m.cur.Reason = in.Reason\n", "graph/machine", model},
	{"a repeated answer is for the next question", "graph/machine/answer.go",
		"in.At.Sub(w.Since) < youngQuestion", "false", "graph/machine", matrix},
	{"a step is not handed to the next attempt", "graph/machine/step.go",
		"t.steps, t.stepped = append(t.steps, b), b.Step", "t.stepped = b.Step", "graph/machine", matrix},
	{"a failure is taken by a node that did not run", "graph/machine/apply.go",
		"if b.Run && v.Live", "if v.Live", "graph/machine", matrix},
	{"messages that have not arrived are forgotten by a restart", "graph/machine/send.go",
		"			m.out.send = append(m.out.send, msg)\n		}\n	}\n}\n\n// sent", "		}\n	}\n}\n\n// sent", "graph/machine", matrix},
	{"a stop is forgotten by a restart", "graph/journal/cursor.go",
		"	c.someText(\"stopping\", &at.Stopping)\n", "", "graph/machine", matrix},
	{"a commit that failed is taken for one that did not", "runtime/commit.go",
		"	if err := d.storeUnder(&c, rd.Cursor.Hash != d.stored); err != nil {\n", "	if err := d.storeUnder(&c, rd.Cursor.Hash != d.stored); err != nil && d.eng == nil {\n", "runtime", "^TestCrash|^TestAStoreInTrouble"},
	{"a commit is shown before it is stored", "runtime/commit.go",
		"	if err := d.storeUnder(&c,", "	d.publish(c)\n	if err := d.storeUnder(&c,", "runtime", "^TestCrashAtEveryCommit$"},
	{"a pause starts over after a restart", "runtime/wake.go",
		"		sooner(c.WakeAt)\n", "		sooner(c.WakeAt.Add(5 * time.Second))\n", "torture", "^TestTime$"},
	{"a timeout is recorded while the work continues", "graph/machine/due.go",
		"	if t.state == running || t.state == ending {\n		m.endAttempt(t, r, f)\n		return\n	}\n", "", "runtime", "^TestOverWhenItsWorkIs$"},
	{"what a killed engine left is not ended", "runtime/orphan.go",
		"			err = nodes.CleanUp(ctx, spec, t)\n", "", "runtime", "^TestOverWhenItsWorkIs$"},
	{"a slot is not given back", "runtime/run.go",
		"	d.gone(a)\n	d.ended = append(d.ended, &a.ticket)\n", "	d.gone(a)\n", "runtime", "^TestPools$"},
	{"tasks that were parked together start together for ever", "graph/machine/park.go",
		"	return d + d/2*time.Duration(sum[0])/256\n", "	_ = sum\n	return d\n", "runtime", "^TestTheTaskThatKillsTheEngineIsParked$"},
	{"the inner graph of a one-shot run is forgotten on a full disk", "runtime/run.go",
		"		d.fail(a.broken)\n", "", "runtime", "^TestAnInnerGraphOnAFullDisk$"},
}

// The tests of the engine find faults that are put into it.
func TestMutants(t *testing.T) {
	if !long || raceDetector {
		t.Skip("SKIPPED: each mutant is a build of its own; set TORTURE=long")
	}
	t.Parallel()
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			out, err := m.test(t)
			switch {
			case err == nil:
				t.Errorf("%s %s did not find it", m.pkg, m.run)
			case strings.Contains(out, "[build failed]") || !strings.Contains(out, "--- FAIL"):
				t.Errorf("no test failed:\n%s", out)
			}
		})
	}
}

// test runs the test with the mutant in place of the file.
func (m mutant) test(t *testing.T) (string, error) {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", m.file))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), m.old); n != 1 {
		t.Fatalf("%s has changed: %q is there %d times", m.file, m.old, n)
	}
	sick := filepath.Join(t.TempDir(), "sick.go")
	if err := os.WriteFile(sick, []byte(strings.Replace(string(text), m.old, m.new, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {path: sick}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "overlay.json")
	if err := os.WriteFile(file, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"test", "-count=1", "-timeout=60s", "-short", "-vet=off", "-overlay", file, "-run", m.run, "../" + m.pkg}
	if m.pkg == "graph/machine" {
		// A fifth of these under -short: random graphs that show a fault may be rare.
		args = append(args, "-rapid.nofailfile", "-rapid.shrinktime=0s", "-rapid.checks=10000")
	}
	out, err := exec.Command("go", args...).CombinedOutput()
	return string(out), err
}
