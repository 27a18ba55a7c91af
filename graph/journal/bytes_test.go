package journal

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What earlier versions wrote by the tags of the types: other escapes, another
// order, and members that nobody knows any more.
const (
	oldCursor = `{"status":"running","hash":"ff","seq":12,"cycle":3,"wave":1,"open":true,"cycle_seq":9,
		"wake_at":"2026-01-02T04:04:05.5+01:00","idle_in_row":2,"failed_in_row":1,"gone":{"a":[1,"}",{"b":"\""}]},
		"counts":{"cycles":2,"waves":4,"node_runs":5,"failures":1,"tokens":7,"cost":0.5},
		"last":{"b":{"node":"b","status":"skipped"},"a":{"node":"a","status":"failed","attempts":2,"error":{"kind":"exit","message":"\u003cno\u003e","permanent":true}}},
		"waiting":[{"node":"ask","kind":"approval","cycle":1,"wave":1,"since":"2026-01-02T03:04:05Z","with":{"prompt":"ok?","n":9007199254740993},"answered":true}],
		"background":[{"node":"long","cycle":1,"wave":2,"since":"2026-01-02T03:04:05Z","over":true}],
		"parked":[{"node":"p","item":"k","cycle":3,"wave":1,"until":"2026-01-02T03:04:05Z"}],
		"inbox":1,"turn":"a","clean":true,"outbox":3}`
	oldIdentity = `{"stack":"s","graph":"g","nonce":"n","created_at":"2026-01-02T03:04:05Z","parent":"k","params":{"n":9223372036854775807,"f":1.5}}`
)

func TestBytesOfEarlierVersions(t *testing.T) {
	t.Parallel()
	var at Cursor
	if err := json.Unmarshal([]byte(oldCursor), &at); err != nil {
		t.Fatal(err)
	}
	want := Cursor{
		Status: Running, Hash: "ff", Seq: 12, Cycle: 3, Wave: 1, Open: true, CycleSeq: 9, WakeAt: epoch.Add(500 * time.Millisecond),
		IdleInRow: 2, FailedInRow: 1, Counts: Counts{Cycles: 2, Waves: 4, NodeRuns: 5, Failures: 1, Tokens: 7, Cost: 0.5},
		Last: map[string]Settled{
			"a": {Node: "a", Status: "failed", Attempts: 2, Error: &Failure{Kind: "exit", Message: "<no>", Permanent: true}},
			"b": {Node: "b", Status: "skipped"},
		},
		Waiting: []Waiting{{Node: "ask", Kind: "approval", Cycle: 1, Wave: 1, Since: epoch, Answered: true,
			With: map[string]any{"prompt": "ok?", "n": int64(9007199254740993)}}},
		Background: []Background{{Node: "long", Cycle: 1, Wave: 2, Since: epoch, Over: true}},
		Parked:     []Parked{{Node: "p", Item: "k", Cycle: 3, Wave: 1, Until: epoch}},
		Inbox:      1, Turn: "a", Clean: true, Outbox: 3,
	}
	if d := cmp.Diff(want, at); d != "" {
		t.Errorf("cursor (-want +got)\n%s", d)
	}
	var id Identity
	if err := json.Unmarshal([]byte(oldIdentity), &id); err != nil {
		t.Fatal(err)
	}
	wantID := Identity{Stack: "s", Graph: "g", Nonce: "n", CreatedAt: epoch, Parent: "k", Params: map[string]any{"n": int64(math.MaxInt64), "f": 1.5}}
	if d := cmp.Diff(wantID, id); d != "" {
		t.Errorf("identity (-want +got)\n%s", d)
	}
}

func TestSnapshotSurvivesJSON(t *testing.T) {
	t.Parallel()
	want := Snapshot{State: map[string]any{"n": int64(math.MinInt64), "f": 2.5, "list": []any{nil, "ü\u2028", map[string]any{}}, "$events": []any{"id"}}}
	if err := json.Unmarshal([]byte(oldCursor), &want.Cursor); err != nil {
		t.Fatal(err)
	}
	want.Cursor.Reopened = &Reopened{At: epoch, Before: Counts{Cycles: 2, Cost: 0.5}, Limits: Limits{Cycles: new(0), Duration: new(time.Hour)}}
	if err := json.Unmarshal([]byte(oldIdentity), &want.Identity); err != nil {
		t.Fatal(err)
	}
	for i, b := range everyRecord {
		want.Records = append(want.Records, record(i, b))
	}
	b, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Snapshot
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-written +read)\n%s", d)
	}
}

// Who reads the public form gets all that it has.
func TestPublicFormIsRead(t *testing.T) {
	t.Parallel()
	for i, b := range everyRecord {
		want := AppendRecord(nil, record(i, b), false)
		r, err := ParseRecord(want)
		if err != nil {
			t.Errorf("%s: %v", want, err)
			continue
		}
		if got := AppendRecord(nil, r, false); string(got) != string(want) {
			t.Errorf("written %s\nread    %s", want, got)
		}
	}
}

func TestWrongBytes(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "{", "[]", "1", `{"counts":[]}`, `{"waiting":{}}`, `{"waiting":[1]}`, `{"seq":-1}`, `{"seq":"1"}`, `{"open":1}`, `{"wake_at":"now"}`, `{"last":[]}`, `{"hash":1}`} {
		var at Cursor
		if err := at.UnmarshalJSON([]byte(bad)); err == nil {
			t.Errorf("%s is taken for a cursor", bad)
		}
	}
}

func BenchmarkRecord(b *testing.B) {
	r := record(0, everyRecord[4])
	line := AppendRecord(nil, r, true)
	b.Run("write", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			line = AppendRecord(line[:0], r, true)
		}
	})
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := ParseRecord(line); err != nil {
				b.Fatal(err)
			}
		}
	})
}
