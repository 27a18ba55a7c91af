package temporaldriver

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/runtime/temporaldriver/paritytest"
)

// untranslated are transcripts that no driver can do.
var untranslated = map[string]string{
	"lockstep":   "one process leads all stacks: workflows refuse it",
	"wait_files": "the lines say what files there are; docs/scale.md says how workflows look",
}

// leftOut are the lines of transcripts that are not done to a driver. After one that is marked,
// nothing more of its transcript is done.
var leftOut = map[string][]string{
	// There is no such command, or not for every driver.
	"retry_cost": {"retry …"}, "retry_duration": {"retry …"}, "retry_finally": {"retry …"}, "retry_limits": {"retry …"}, "retry_once": {"retry …"},
	"retry_once_cancel": {"retry …"}, "retry_once_fault": {"retry …"}, "retry_stop": {"retry …"},
	// A driver rests by itself, when it has nothing to do.
	"approval_default": {"rest …"}, "asking_rest": {"rest …"}, "rest": {"rest …"}, "retry_rest": {"rest …"},
	// Drivers tell of it by themselves, when the stack of a graph has used something.
	"used": {"used a 1 40 0.5", "used a 1 0 0", "used a 1 70 0", "used b 1 1 0.25"},
	// The engine does the work of these itself.
	"approval_each_fast": {"deny ask/c no"}, "approval_timeout": {"deny ask model no"}, "once_failure": {"deny ask error no"},
	"send": {
		`done each/a {"to": "other", "event": "e", "payload": "a"}`, `done lost {"to": "s", "event": "nothing", "payload": 1}`,
		`done bad {"to": "other", "event": "e", "payload": "no"}`, `done self {"to": "s", "event": "more", "payload": 5}`,
		`done one {"to": "other", "event": "e", "payload": "one"}`, `done each/z {"to": "other", "event": "e", "payload": "z"}`,
		`done apart {"to": "other", "event": "e", "payload": "apart"}`,
	},
	// What no driver begins.
	"params": {
		"start", `start {"n": "x"} params {"goal": "g"}`, `start {"m": 1} params {"goal": "g"}`,
		`start params {"goal": "g", "sizes": 4}`, `start params {"goal": 4}`,
	},
	"poison": {"start", "wake …"},
	// A driver wakes a stack when it is due, and ends what has timed out: this attempt has ended by
	// then, or has not begun.
	"asking_time":         {`asks a [{"id": "1", "tool": "refund"}]`, `asks b [{"id": "1", "tool": "refund"}]`},
	"background":          {"done long 7", "done then", "done each/a 1", "done each/b 2", "done each/c 3", "done long 1", "done then"},
	"eager_latch_finally": {"done note", "done tell"},
	"eager_outside":       {"done held 0"},
	"finally_cancel":      {`done tell "x"`, "done bad"},
	"for_each_background": {"fail vote/b exit gone", "fail vote/c exit busy", `done vote/c "y"`},
	"retry_after":         {"fail b http@5m 429"},
	"retry_named":         {"fail b exit 1"},
	"steps_background":    {`done long/1 {"y": 2.5}`, `step long/0 turn 5 0 "x"`, "fail long/0 model busy", `done long/0 {"y": 1}`},
	"timeout":             {"done a", "done c"},
}

// different are the transcripts that do not come to the same, or not each time.
var different = map[string]struct {
	drivers   []string
	why       string
	sometimes bool
}{
	"asking_again":     {[]string{replayed}, "what words an attempt knew is in no record, as TestContinueMatrix of package machine says", false},
	"eager_cancel":     {[]string{"workflow", replayed}, "three attempts end at the same time, and a wave is committed when it has two of them", false},
	"limit_steps":      {[]string{"workflow", replayed}, "steps count for limits when their attempt ends", false},
	"limit_cost_steps": {[]string{"workflow", replayed}, "steps count for limits when their attempt ends", false},
	"send":             {[]string{"boltstore", "workflow", replayed}, "as eager_cancel: work in the background ends before a wave is committed, or after it, at the same time", true},
	"steps_background": {[]string{"workflow", replayed}, "the test environment takes nothing from an attempt that is cancelled, also not its steps", false},
}

// TestParityTranscripts: the transcripts of package machine. What is not compared is listed above,
// and nothing else is.
func TestParityTranscripts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../graph/machine/testdata/*.txt")
	if err != nil || len(files) < 100 {
		t.Fatalf("%d transcripts: %v", len(files), err)
	}
	names := map[string]bool{}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		names[name] = true
		if untranslated[name] != "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, left := paritytest.Transcript(t, file)
			if d := cmp.Diff(leftOut[name], left); d != "" {
				t.Errorf("lines that are left out (-want +got)\n%s", d)
			}
			want := paritytest.Memstore(t, c)
			for _, d := range drivers {
				diff := paritytest.Diff(want, d.run(t, c))
				switch known := different[name]; {
				case diff != "" && !slices.Contains(known.drivers, d.name):
					t.Errorf("%s (-memstore +this)\n%s\n%s", d.name, diff, c)
				case diff == "" && slices.Contains(known.drivers, d.name) && !known.sometimes:
					t.Errorf("%s comes to the same, and is said not to: %s", d.name, known.why)
				}
			}
		})
	}
	for name := range leftOut {
		if !names[name] {
			t.Errorf("there is no transcript %s", name)
		}
	}
	for name := range different {
		if !names[name] {
			t.Errorf("there is no transcript %s", name)
		}
	}
	t.Logf("%d transcripts: %d are not translated, of %d lines are left out, %d differ", len(files), len(untranslated), len(leftOut), len(different))
}
