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
	model       = "^TestAgainstNaive$"
	calm        = "^TestCalmAgainstNaive$"
	matrix      = "^(TestAgainstNaive|TestTranscripts|TestCrashMatrix)$"
	transcripts = "^TestTranscripts$"
)

var mutants = []mutant{
	{"a result is dropped when the stack is restored", "graph/machine/restore.go",
		"m.apply(r.Body, r.Time, r.Seq)", "if _, is := r.Body.(*journal.TaskFinished); !is {\n\t\t\tm.apply(r.Body, r.Time, r.Seq)\n\t\t}", "graph/machine", matrix},
	{"a wave is applied twice", "graph/machine/commit.go",
		"	body := &journal.WaveCommitted{Wave: w.number,", "	for _, c := range changes {\n\t\tm.set(c.Key, c.Value, 0)\n\t}\n\tchanges, sizes = m.reduce(w, failures)\n\tbody := &journal.WaveCommitted{Wave: w.number,", "graph/machine", matrix},
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
		"		m.settle(i, skipped)\n	}\n", "		n.status = skipped\n	}\n", "graph/machine", model},
	{"an else edge is live beside its sibling", "graph/machine/join.go",
		"return !live, \"\"", "return true, \"\"", "graph/machine", model},
	{"a skipped source counts as a failed one", "graph/machine/join.go",
		"	case graph.Failure:\n		return s == failed\n", "	case graph.Failure:\n		return s != succeeded\n", "graph/machine", model},
	{"next_cycle edges see an older cycle", "graph/machine/apply.go",
		"	m.cur.Last = m.lastOf()\n", "	if m.cur.Last == nil {\n\t\tm.cur.Last = m.lastOf()\n\t}\n", "graph/machine", model},
	{"an event is dropped", "graph/machine/intake.go",
		"payloads[key] = append(payloads[key], write{e.Payload", "payloads[key] = append(payloads[key][:0], write{e.Payload", "graph/machine", matrix},
	{"an event that is sent again is applied again", "graph/machine/event.go",
		"if m.Known(in.ID) {", "if false {", "graph/machine", matrix},
	{"nodes run on after a cancel", "graph/machine/api.go",
		"		m.stopAs(journal.Outcome{Status: journal.Cancelled, Reason: in.Reason, By: in.By})\n", "		m.cur.Reason = in.Reason\n", "graph/machine", model},
	{"a repeated answer is for the next question", "graph/machine/answer.go",
		"in.At.Sub(w.Since) < youngQuestion", "false", "graph/machine", matrix},
	{"a step is not handed to the next attempt", "graph/machine/step.go",
		"	t.steps = append(t.steps, b)\n", "", "graph/machine", transcripts},
	{"a failure is taken by a node that did not run", "graph/machine/apply.go",
		"	if b.Run {\n		m.repay(b)\n	}\n", "	m.repay(b)\n", "graph/machine", matrix},
	{"a cycle begins with a verdict over a key that has changed", "graph/machine/foreseen.go",
		"		m.stir(e.To)\n", "		_ = e\n", "graph/machine", calm},
	{"a cycle begins with a node whose source settles otherwise now", "graph/machine/foreseen.go",
		"		m.foreseen.todo.put(m.plan.place[w])\n", "", "graph/machine", calm},
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
		"	if t.state == running || t.state == ending || m.isHeldChild(t, r) {\n		m.endAttempt(t, r, f)\n		return\n	}\n", "", "runtime", "^TestOverWhenItsWorkIs$"},
	{"what a killed engine left is not ended", "runtime/orphan.go",
		"		err = errors.Join(nodes.CleanUp(ctx, spec, t), d.eng.tools.CleanUp(ctx, t, g, n.Calls))\n", "		err = errors.Join(d.eng.tools.CleanUp(ctx, t, g, n.Calls))\n", "runtime", "^TestOverWhenItsWorkIs$"},
	{"a slot is not given back", "runtime/kept.go",
		"		d.ended = append(d.ended, &a.ticket)\n", "", "runtime", "^TestPools$"},
	{"tasks that were parked together start together for ever", "graph/machine/park.go",
		"	return d + d/2*time.Duration(sum[0])/256\n", "	_ = sum\n	return d\n", "runtime", "^TestTheTaskThatKillsTheEngineIsParked$"},
	{"a call with effects: once is made again after a crash", "nodes/agent/calls.go",
		"	if r.marked[p.call.ID] && p.tool.effects == graph.EffectsOnce {\n", "	if false {\n", "nodes/agent", "^TestCrash"},
	{"what recorded answers used is forgotten", "nodes/agent/run.go",
		"			r.count(a, s.Cost)\n			if s.Void {\n", "			if s.Void {\n", "torture", "^TestAgentsKilled$"},
	{"the calls of each answer are numbered from 1", "nodes/agent/ask.go",
		"		a.First = r.number\n", "		a.First = 1\n", "torture", "^TestAgentsKilled$"},
	{"a step is taken for durable before it is", "runtime/steps.go",
		"		d.recording = append(d.recording, durable)\n", "		durable <- nil\n", "torture", "^TestAgentsKilled$"},
	{"a person's word is forgotten by a restart", "graph/machine/background_records.go",
		"			case *journal.TaskAnswered:\n				if t != nil {\n					t.words = append(t.words, b)\n				}\n", "", "torture", "^TestAgentsKilled$"},
	{"what models say is shown unmasked", "runtime/shown.go",
		"	e.show(e.speech.stream.Next(text))\n", "	e.show(text)\n", "internal/cli", "^TestCanary$"},
	{"the pieces of a stream are masked each by itself", "runtime/shown.go",
		"	e.show(e.speech.stream.Next(text))\n", "	e.show(e.masker.Text(text))\n", "internal/cli", "^TestCanary$"},
	{"streams are recorded as they came", "nodes/agent/cassette/events.go",
		"	if mask == nil || !strings.HasPrefix(contentType, \"text/event-stream\") {\n", "	if true {\n", "internal/cli", "^TestCanaryRecorded$"},
	{"MCP servers log their standard error unmasked", "nodes/mcp/stderr.go",
		"		s.log.Debug(\"stderr\", \"line\", s.tail.Mask(text))\n", "		s.log.Debug(\"stderr\", \"line\", text)\n", "internal/cli", "^TestCanary$"},
	{"the inner graph of a one-shot run is forgotten on a full disk", "runtime/run.go",
		"		d.fail(broken)\n", "", "runtime", "^TestAnInnerGraphOnAFullDisk$"},
	{"a word on one call is taken for that on another", "graph/machine/word.go",
		"return !open && m.answers", "return (!open || open) && m.answers", "graph/machine", "^TestWordForWhatIsOpen$"},
	{"a task continues before it has all its words", "graph/machine/asking.go",
		"t.state != onHold || m.o.Rest || m.waits(t, r)", "t.state != onHold || m.o.Rest", "graph/machine", transcripts},
	{"the question of a task that is over stays open", "graph/machine/task.go",
		"		m.dropQuestions(t, r)\n", "", "graph/machine", transcripts},
	{"what a node did before it left its wave is forgotten by a restart", "graph/machine/asking.go",
		"			m.keepIn(w, rec)\n", "			_ = rec\n", "graph/machine", "^TestStepsOfWhatIsOver$"},
	{"a task that was held begins again after a restart", "graph/machine/background_records.go",
		"					m.turn(t, r, onHold)\n", "					_ = r\n", "graph/machine", transcripts},
	{"the deadline stands still while a task waits for words", "graph/machine/due.go",
		"	case queued, onHold:\n", "	case queued:\n", "graph/machine", transcripts},
	{"an agent spends on after a limit is reached", "graph/machine/step.go",
		"why := m.overUsage(); why != \"\"", "why := m.overUsage(); why == \"-\"", "graph/machine", transcripts},
	{"a forgotten step is given to the next attempt as one that counts", "graph/machine/apply.go",
		"			t.void = len(t.steps)", "			_ = len(t.steps)", "graph/machine", transcripts},
	{"what a node in the background puts into memories is lost", "graph/machine/intake.go",
		"		m.putMemory(&b.runs[0])\n", "", "graph/machine", "^TestMemoryComesWithTheCommit$"},
	{"the steps of tasks that are over are kept", "graph/machine/asking.go",
		"		w.records[i] = journal.Record{}\n", "		_ = i\n", "graph/machine", "^TestStepsOfWhatIsOver$"},
	{"the caller of a tool ends with the goroutine of its work", "nodes/tools.go",
		"	go func() {\n		defer close(done)\n		res, e = c.box.session.Run(ctx, spec, t)\n	}()\n", "	close(done)\n	res, e = c.box.session.Run(ctx, spec, t)\n", "nodes", "^TestToolThatEndsItsGoroutine$"},
	{"every commit has all that calls are given", "graph/machine/asking.go",
		"Calls: m.shownCalls(b.Calls)", "Calls: b.Calls", "graph/machine", "^TestArgumentsInTheCursor$"},
	{"a memory grows beyond what it keeps", "runtime/memory_rule.go",
		"	for m.Count > keep {\n", "	for m.Count > 2*keep {\n", "runtime/memstore", "."},
	{"a slot that nobody waits for any more is not given back", "runtime/slots.go",
		"	if err != nil { // it may have its slot all the same\n", "	if err != nil && t == nil {\n", "runtime", "^TestCancelEndsTheWaitForASlot$"},
	{"a run until idle waits for a person's word", "runtime/settle.go",
		"		d.stopIfIdle()\n", "", "runtime", "^TestHeldWhenTheCyclesAreOver$"},
	{"damage to what was on disk is taken for a torn end", "runtime/commitlog/scan.go",
		"			e.proof, err = r.find(s, e.pos+1, e.pos)\n", "			_ = r.find\n", "runtime/commitlog", "^TestBitFlips$"},
	{"a torn frame is taken for a whole one", "runtime/commitlog/scan.go",
		"!h.holds(payload)", "h.size < 0", "runtime/commitlog", "^TestBitFlips$"},
	{"the frames of the segment before are read again", "runtime/commitlog/format.go",
		"		_, _ = rand.Read(n[:]) // it never fails\n", "		n[0] = byte(len(rand.Text()))\n", "runtime/commitlog", "^TestRecycling$"},
	{"a frame counts wherever it is", "runtime/commitlog/format.go",
		"	num.PutUint64(s.place[:], uint64(pos))\n", "	_ = pos\n", "runtime/commitlog", "^TestTornEnd$"},
	{"a segment that is lost is not missed", "runtime/commitlog/recover.go",
		"			return r, o.without(files, r.Epoch+1, nonce)\n", "			return r, r.rest(files)\n", "runtime/commitlog", "^TestForeignLogs$"},
	{"a newer log is left out", "runtime/commitlog/recover.go",
		"		case !used: // the crash came before it was linked\n", "		case !used || used:\n", "runtime/commitlog", "^TestForeignLogs$"},
	{"the end of a segment is not on disk when the next one is used", "runtime/commitlog/log.go",
		"	return s.force()\n", "	return nil\n", "runtime/commitlog", "^TestPowerCuts$"},
	{"a new file of the log is not in its folder yet", "runtime/commitlog/log.go",
		"		err = l.o.disk.syncDir(filepath.Dir(path))\n", "		err = nil\n		_ = filepath.Dir\n", "runtime/commitlog", "^TestPowerCuts$"},
	{"a segment that the database may need is written over", "runtime/commitlog/log.go",
		"	behind := l.released+2 < h.epoch\n", "	behind := false\n", "runtime/commitlog", "^TestLifeOfALog$"},
	{"the log can be used after a write that failed", "runtime/commitlog/log.go",
		"		l.failed = fmt.Errorf(\"its log cannot be written: %w\", err)\n", "		return fmt.Errorf(\"its log cannot be written: %w\", err)\n", "runtime/commitlog", "^TestWriteAndSyncErrors$"},
	{"a full disk is found when a part of the group is written", "runtime/commitlog/log.go",
		"	if err := s.room(&l.o, end+endSize); err != nil {\n		return l.fail(err)\n	}\n	if len", "	if len", "runtime/commitlog", "^TestNoRoom$"},
}

// Each fault can be put into the engine as it is now.
func TestMutantsApply(t *testing.T) {
	t.Parallel()
	for _, m := range mutants {
		m.text(t)
	}
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

// text is the file as it is, with its path.
func (m mutant) text(t *testing.T) (path, text string) {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", m.file))
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(b), m.old); n != 1 {
		t.Errorf("%s: %s has changed: %q is there %d times", m.name, m.file, m.old, n)
	}
	return path, string(b)
}

// test runs the test with the mutant in place of the file.
func (m mutant) test(t *testing.T) (string, error) {
	t.Helper()
	path, text := m.text(t)
	sick := filepath.Join(t.TempDir(), "sick.go")
	if err := os.WriteFile(sick, []byte(strings.Replace(text, m.old, m.new, 1)), 0o600); err != nil {
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
	args := []string{"test", "-count=1", "-failfast", "-timeout=3m", "-short", "-vet=off", "-overlay", file, "-run", m.run, "../" + m.pkg}
	if m.pkg == "graph/machine" {
		// A fifth of these under -short: random graphs that show a fault may be rare.
		args = append(args, "-rapid.nofailfile", "-rapid.shrinktime=0s", "-rapid.checks=10000")
	}
	out, err := exec.Command("go", args...).CombinedOutput()
	return string(out), err
}
