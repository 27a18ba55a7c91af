package machine

import (
	"bytes"
	"encoding/json"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"github.com/graphrun/graphrun/graph/journal"
)

// decidedMembers are the members of records that the machine decides, and does not take
// from the record when it decides again.
var decidedMembers = map[string][]string{
	"cycle.started":  {"seq", "cycle", "stack", "mode", "faults"},
	"node.decided":   {"seq", "cycle", "stack", "wave", "node", "run", "reason", "edges"},
	"wave.started":   {"seq", "cycle", "stack", "wave", "nodes"},
	"wave.committed": {"seq", "cycle", "stack", "wave", "changed", "writers", "settled", "commit"},
	"cycle.finished": {"seq", "cycle", "stack", "waves", "node_runs", "failed", "active", "pause_ns", "faults"},
	"stack.finished": {"seq", "cycle", "stack", "status", "reason"},
	"task.started":   {"seq", "cycle", "stack", "wave", "node"}, // with another attempt, a crash would have come before it
	"task.finished":  {"seq", "cycle", "stack", "wave", "node", "status"},
	"event.received": {"seq", "cycle", "stack", "event"},
	"task.step":      {"seq", "cycle", "stack", "wave", "node", "step"},
}

// doctored is a value that is nearly the same.
func doctored(v any) any {
	switch v := v.(type) {
	case bool:
		return !v
	case float64:
		return v + 1
	case string:
		if v == "completed" {
			return "failed"
		}
		return v + "x"
	case []any:
		if len(v) > 0 {
			return append(slices.Clone(v), v[0])
		}
	case map[string]any:
		out := maps.Clone(v)
		for _, k := range slices.Sorted(maps.Keys(v)) {
			out[k] = doctored(v[k])
		}
		return out
	}
	return []any{"doctored"}
}

// A journal in which somebody has changed a member differs at that record.
func TestReplayFindsWhatWasDoctored(t *testing.T) {
	t.Parallel()
	found := map[string]int{}
	for k, file := range transcripts(t) {
		if testing.Short() && k%4 > 0 {
			continue
		}
		r := play(t, readScript(t, file), 0)
		last := map[string]int{} // the last record of each type
		for i, rec := range r.records {
			switch b := rec.Body.(type) {
			case *journal.StackFinished:
				if b.Status == journal.Cancelled {
					continue // somebody said so
				}
			case *journal.CycleStarted:
				if b.Finally {
					continue
				}
			}
			last[rec.Body.Type()] = i
		}
		for kind, i := range last {
			for _, name := range decidedMembers[kind] {
				rec, ok := doctor(t, r.records[i], name)
				if !ok {
					continue
				}
				records := slices.Clone(r.records)
				records[i] = rec
				again := r.replayer()
				again.Records = stream(records)
				_, differences, err := again.To(journal.Point{})
				if err == nil && (len(differences) == 0 || differences[0].Recorded.Seq > rec.Seq) {
					t.Errorf("%s: %s of %s: found %v", filepath.Base(file), name, journal.AppendRecord(nil, r.records[i], true), differences)
				}
				found[kind+"."+name]++
			}
		}
	}
	t.Logf("%v", found)
	for kind, names := range decidedMembers {
		for _, name := range names {
			if found[kind+"."+name] == 0 && !testing.Short() && name != "mode" && name != "faults" {
				t.Errorf("%s of %s was in no record", name, kind)
			}
		}
	}
}

// doctor changes a member of a record; false if it does not have it.
func doctor(t *testing.T, rec journal.Record, name string) (journal.Record, bool) {
	line := journal.AppendRecord(nil, rec, true)
	var members map[string]any
	if err := json.Unmarshal(line, &members); err != nil {
		t.Fatal(err)
	}
	v, ok := members[name]
	if !ok {
		return rec, false
	}
	members[name] = doctored(v)
	b, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	got, err := journal.ParseRecord(b)
	if err != nil { // it is no record: whoever reads the journal hears of it
		return rec, false
	}
	if bytes.Equal(line, journal.AppendRecord(nil, got, true)) {
		t.Fatalf("%s of %s cannot be doctored", name, line)
	}
	return got, true
}
