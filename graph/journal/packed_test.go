package journal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// testShape has the nodes that records of tests name, with some edges.
func testShape() *Shape {
	nodes := []string{"a", "b", "c", "each", "free", "long"}
	edges := []Verdict{
		{From: "start", When: `state.x == "ü"`},
		{From: "a", Outcome: "success"},
		{From: "a", Outcome: "failure", Else: true},
		{From: "start", When: "state.n > 1"},
	}
	for i := range edges {
		edges[i].Edge = i
	}
	return NewShape(strings.Repeat("ab", 32), nodes, []string{"n", "f", "message"}, edges, [][]uint64{{0}, {1, 2}, {3}, {3}, nil, {0, 1, 3}})
}

func unpacked(b []byte, first uint64, shape *Shape) (list []Record, apart []bool, err error) {
	u := Unpack(b, "s", first, shape)
	for u.Next() {
		r, err := u.Record()
		if err != nil {
			return nil, nil, err
		}
		if r.Body.Type() != u.Type() || r.Seq != u.Seq() {
			return nil, nil, fmt.Errorf("record %d is a %s, and was said to be the %s %d", r.Seq, r.Body.Type(), u.Type(), u.Seq())
		}
		list, apart = append(list, r), append(apart, u.Apart())
	}
	return list, apart, u.Err()
}

func everyFilled() (list []Body) {
	for _, name := range recordTypes {
		if name == roundType {
			continue
		}
		v := reflect.ValueOf(fresh(name))
		filled(v.Elem())
		if name == "task.step" {
			v.Interface().(*TaskStep).Mark = false
		}
		list = append(list, v.Interface().(Body))
	}
	return list
}

// sequence makes records of bodies that follow each other.
func sequence(bodies ...Body) (list []Record) {
	seq := uint64(7)
	for i, b := range bodies {
		r := record(i, b)
		r.Seq, r.Cycle = seq, uint64(i/3)
		list = append(list, r)
		seq = r.Last() + 1
	}
	return list
}

func checkPacked(t interface {
	Helper()
	Fatalf(string, ...any)
}, want []Record) {
	t.Helper()
	for _, shape := range []*Shape{nil, testShape()} {
		b := new(Packer).Records(nil, want, shape, nil)
		if id, refers := ShapeOf(b); refers != (shape != nil) || refers && id != shape.ID() {
			t.Fatalf("refers to the shape %x: %v", id, refers)
		}
		got, _, err := unpacked(b, want[0].Seq, shape)
		if err != nil {
			t.Fatalf("%v", err)
		}
		if d := cmp.Diff(Singles(want), got); d != "" {
			t.Fatalf("with a shape: %v (-packed +read)\n%s", shape != nil, d)
		}
	}
}

func TestPackedRecords(t *testing.T) {
	t.Parallel()
	checkPacked(t, sequence(everyRecord...))
	checkPacked(t, sequence(everyFilled()...))
	for _, b := range append(everyFilled(), everyRecord...) {
		checkPacked(t, sequence(b))
	}
	for _, body := range []string{"stack.started", "task.finished"} { // no value, and an empty one
		b := fresh(body)
		checkPacked(t, sequence(b))
	}
	checkPacked(t, sequence(&StackStarted{Params: map[string]any{}, State: map[string]any{}}))
	far := sequence(everyRecord[:4]...)
	for i, at := range []time.Time{{}, time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC), epoch, epoch.Add(-time.Hour)} {
		far[i].Time = at
	}
	checkPacked(t, far)
	zone := sequence(everyRecord[0])
	zone[0].Time = epoch.In(time.FixedZone("x", 3600))
	if got, _, err := unpacked(new(Packer).Records(nil, zone, nil, nil), 7, nil); err != nil || got[0].Time != epoch {
		t.Errorf("%v, %v: expected UTC", got, err)
	}
}

// text is often a name of the test's shape.
var text = rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "a", "b", "c", "each", "n", "f", "start", "state.n > 1", "succeeded", "no-live-edge"}))

func anyVerdict(t *rapid.T) Verdict {
	if edges := testShape().edges; rapid.Bool().Draw(t, "known") {
		v := rapid.SampledFrom(edges).Draw(t, "edge")
		v.Live = rapid.Bool().Draw(t, "live")
		v.Error = rapid.SampledFrom([]string{"", "", "", "g.yaml:1:2: no"}).Draw(t, "error")
		return v
	}
	return Verdict{Edge: rapid.IntRange(0, 9).Draw(t, "index"), From: text.Draw(t, "from"), Outcome: text.Draw(t, "outcome"), When: text.Draw(t, "when"),
		Live: rapid.Bool().Draw(t, "live"), After: rapid.Bool().Draw(t, "after"), NextCycle: rapid.Bool().Draw(t, "next")}
}

func anyDecision(t *rapid.T) *NodeDecided {
	d := &NodeDecided{Wave: rapid.Uint64Range(1, 2).Draw(t, "wave"), Run: rapid.Bool().Draw(t, "run"), Reason: text.Draw(t, "reason")}
	s := testShape()
	if rapid.IntRange(0, 3).Draw(t, "fits") > 0 {
		n := rapid.IntRange(0, s.nodes-1).Draw(t, "node")
		d.Node, d.Wave = s.names[n], 1
		d.Reason = rapid.SampledFrom([]string{"", "no-live-edge", "waiting"}).Draw(t, "reason")
		for _, x := range s.joins[n] {
			v := s.edges[x]
			v.Live = rapid.Bool().Draw(t, "live")
			d.Edges = append(d.Edges, v)
		}
		return d
	}
	d.Node = text.Draw(t, "node")
	for range rapid.IntRange(0, 3).Draw(t, "edges") {
		d.Edges = append(d.Edges, anyVerdict(t))
	}
	return d
}

func anyBody(t *rapid.T) Body {
	some := func() []string {
		list := rapid.SliceOfN(text, 0, 9).Draw(t, "names")
		if rapid.Bool().Draw(t, "all") {
			list = append(list, testShape().names...)
		}
		return slices.Clone(list[:len(list):len(list)])
	}
	switch rapid.IntRange(0, 7).Draw(t, "kind") {
	case 0:
		return anyDecision(t)
	case 1:
		b := &Round{}
		for range rapid.IntRange(2, 9).Draw(t, "n") {
			b.Decided = append(b.Decided, anyDecision(t))
		}
		return b
	case 2:
		b := &WaveStarted{Wave: rapid.Uint64().Draw(t, "wave"), Nodes: some()}
		for range rapid.IntRange(0, 2).Draw(t, "early") {
			b.Early = append(b.Early, anyVerdict(t))
		}
		if len(b.Nodes) == 0 {
			b.Nodes = nil
		}
		return b
	case 3:
		b := &WaveCommitted{Wave: rapid.Uint64().Draw(t, "wave"), Changed: some()}
		if len(b.Changed) == 0 {
			b.Changed = nil
		}
		for _, name := range b.Changed {
			b.Writers = append(b.Writers, Writer{Key: name, Node: text.Draw(t, "writer")})
			b.Settled = append(b.Settled, Settled{Node: name, Status: text.Draw(t, "status"), Attempts: rapid.Int().Draw(t, "attempts")})
		}
		return b
	case 4:
		return &TaskFinished{
			Wave: rapid.Uint64().Draw(t, "wave"), Node: text.Draw(t, "node"), Item: text.Draw(t, "item"),
			Attempt: rapid.Int().Draw(t, "attempt"), Status: text.Draw(t, "status"), Duration: time.Duration(rapid.Int64().Draw(t, "duration")),
			Tokens: rapid.Int64().Draw(t, "tokens"), Cost: rapid.Float64Range(-1e300, 1e300).Draw(t, "cost"),
			Error:   &Failure{Kind: text.Draw(t, "kind"), Message: text.Draw(t, "message"), Code: new(rapid.Int64().Draw(t, "code")), Output: new(text.Draw(t, "output"))},
			RetryAt: time.Unix(rapid.Int64Range(-1e11, 1e11).Draw(t, "retry"), rapid.Int64Range(0, 999999999).Draw(t, "ns")).UTC(),
			Output:  map[string]any{text.Draw(t, "key"): []any{rapid.Int64().Draw(t, "int"), text.Draw(t, "text"), nil, true, rapid.Float64Range(-1e300, 1e300).Draw(t, "float")}},
		}
	case 5:
		return &CycleStarted{Hash: rapid.SampledFrom([]string{"", "ff0", "ff00", "\x00", testShape().Hash, "FF"}).Draw(t, "hash"), Due: epoch.Add(time.Duration(rapid.Int64().Draw(t, "due")))}
	}
	return rapid.SampledFrom(append(everyFilled(), everyRecord...)).Draw(t, "body")
}

// Any records give the same back, with a shape and without one.
func TestPackedRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var list []Record
		seq := rapid.Uint64Range(1, 1<<40).Draw(t, "seq")
		for range rapid.IntRange(1, 9).Draw(t, "records") {
			r := Record{Seq: seq, Stack: "s", Body: anyBody(t), Cycle: rapid.Uint64Range(0, 3).Draw(t, "cycle"),
				Time: time.Unix(rapid.Int64Range(-1e11, 1e11).Draw(t, "time"), rapid.Int64Range(0, 999999999).Draw(t, "ns")).UTC()}
			list, seq = append(list, r), r.Last()+1
		}
		checkPacked(t, list)
	})
}

// A reader that skips records reads the others as they are.
func TestPackedRecordsAreSkipped(t *testing.T) {
	t.Parallel()
	shape := testShape()
	round := &Round{Decided: []*NodeDecided{{Wave: 1, Node: "a", Run: true, Edges: []Verdict{{Edge: 0, From: "start", When: `state.x == "ü"`, Live: true}}}, {Wave: 1, Node: "x"}, {Wave: 1, Node: "free"}}}
	all := sequence(append([]Body{round}, everyRecord...)...)
	b := new(Packer).Records(nil, all, shape, nil)
	singles := Singles(all)
	for k := range singles {
		u := Unpack(b, "s", all[0].Seq, shape)
		for range k + 1 {
			if !u.Next() {
				t.Fatal(u.Err())
			}
		}
		got, err := u.Record()
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(singles[k], got); d != "" {
			t.Errorf("(-packed +read)\n%s", d)
		}
	}
}

func TestPackedBulkApart(t *testing.T) {
	t.Parallel()
	all := sequence(everyRecord...)
	b := new(Packer).Records(nil, all, nil, func(r *Record) bool { return r.Bulk() != nil })
	got, apart, err := unpacked(b, all[0].Seq, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range all {
		if want := r.WithBulk(nil); apart[i] != (r.Bulk() != nil) || !cmp.Equal(want, got[i]) {
			t.Errorf("apart: %v\n%s", apart[i], cmp.Diff(want, got[i]))
		}
	}
}

// What earlier versions wrote is gone through the same way.
func TestUnpackReadsJSON(t *testing.T) {
	t.Parallel()
	all := sequence(everyRecord...)
	var lines []byte
	for i, r := range all {
		r.Stack = "other"
		lines = AppendRecord(lines, r, true)
		if i == 3 {
			lines = append(lines, apartMark)
		}
		lines = append(lines, '\n')
	}
	got, apart, err := unpacked(lines, all[0].Seq, nil)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(all, got); d != "" || !apart[3] || apart[2] {
		t.Errorf("apart: %v (-written +read)\n%s", apart, d)
	}
	if _, _, err := unpacked(lines, 5, nil); err == nil {
		t.Error("records with other numbers are not seen")
	}
}

func TestPackedObjects(t *testing.T) {
	t.Parallel()
	var at Cursor
	var id Identity
	var w Waiting
	for range 2 { // empty, and full
		p := new(Packer)
		gotAt, err := ParseCursor(p.Cursor(nil, &at))
		if err != nil {
			t.Fatal(err)
		}
		gotID, err := ParseIdentity(p.Identity(nil, &id))
		if err != nil {
			t.Fatal(err)
		}
		gotW, err := ParseWaiting(p.Waiting(nil, &w))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff([]any{at, id, w}, []any{gotAt, gotID, gotW}); d != "" {
			t.Errorf("(-packed +read)\n%s", d)
		}
		for _, v := range []any{&at, &id, &w} {
			filled(reflect.ValueOf(v).Elem())
		}
	}
	b, err := json.Marshal(at)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ParseCursor(b); err != nil || !cmp.Equal(at, got) {
		t.Errorf("from JSON: %v\n%s", err, cmp.Diff(at, got))
	}
	for _, wrong := range []string{"", "x", "\x01\x00", "\x02", "\x01\xff"} {
		if _, err := ParseCursor([]byte(wrong)); err == nil {
			t.Errorf("%q is taken for a cursor", wrong)
		}
	}
}

func TestShape(t *testing.T) {
	t.Parallel()
	s := testShape()
	got, err := ParseShape(s.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(s, got, cmp.AllowUnexported(Shape{})); d != "" {
		t.Errorf("(-made +read)\n%s", d)
	}
	for n := range s.Bytes() {
		if got, err := ParseShape(s.Bytes()[:n]); err == nil && got.ID() == s.ID() {
			t.Errorf("%d bytes are taken for the shape", n)
		}
	}
	b := new(Packer).Records(nil, sequence(everyRecord...), s, nil)
	other := NewShape("x", nil, nil, nil, nil)
	for _, shape := range []*Shape{nil, other} {
		if _, _, err := unpacked(b, 7, shape); err == nil {
			t.Error("records are read with another shape")
		}
	}
}

// A later version may write members and types that this one does not know.
func TestPackedOfLaterVersions(t *testing.T) {
	t.Parallel()
	later := func(v *TaskHeld, c *codec) {
		v.members(c)
		c.text("more", new("x"))
		c.someBool("yet", new(true))
		c.texts("many", &[]string{"y"})
	}
	c := codec{whole: true, packs: true}
	later(&TaskHeld{Wave: 3, Node: "a"}, &c)
	got, err := unpackObject(append([]byte{packedMark}, c.pack.b...), "a record", (*TaskHeld).members)
	if d := cmp.Diff(TaskHeld{Wave: 3, Node: "a"}, got); err != nil || d != "" {
		t.Errorf("%v (-packed +read)\n%s", err, d)
	}
	b := []byte{packedMark, 0, byte(len(recordTypes)<<headBits&0x7f) | 0x80, byte(len(recordTypes) << headBits >> 7), 1, 9}
	b = append(b, new(Packer).Records(nil, sequence(everyRecord[0]), nil, nil)[2:]...)
	u := Unpack(b, "s", 1, nil)
	if !u.Next() || u.Type() != "" {
		t.Fatalf("a record of type %q, %v", u.Type(), u.Err())
	}
	if _, err := u.Record(); err == nil || !strings.Contains(err.Error(), fmt.Sprint("number ", len(recordTypes))) {
		t.Errorf("error %v", err)
	}
	if !u.Next() || u.Type() != "stack.started" {
		t.Errorf("the record behind it is a %q, %v", u.Type(), u.Err())
	}
	if u := Unpack([]byte{2, 0, 0}, "s", 1, nil); u.Next() || u.Err() == nil {
		t.Error("another form is not refused")
	}
}

// The numbers of members, words and types are written: a new one goes to the end.
func TestPackedNumbers(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i, w := range words {
		fmt.Fprintln(&b, "word", i, w)
	}
	for i, w := range recordTypes {
		fmt.Fprintln(&b, "type", i, w)
	}
	objects := map[string]func(*codec){}
	add := func(v any) {
		filled(reflect.ValueOf(v).Elem())
		objects[strings.TrimPrefix(fmt.Sprintf("%T", v), "*journal.")] = v.(interface{ members(*codec) }).members
	}
	for _, v := range []any{new(Cursor), new(Identity), new(Waiting), new(Counts), new(Pass), new(Latch), new(Background), new(Parked), new(Ending), new(Outcome), new(Queued),
		new(ChildUsage), new(Reopened), new(Limits), new(Origin), new(From), new(Settled), new(Failure), new(Talk), new(MemoryWrite), new(Call), new(Verdict), new(LeftEvent), new(Writer), new(Shape)} {
		if _, is := v.(*Shape); is {
			*v.(*Shape) = *testShape()
			objects["Shape"] = v.(*Shape).members
			continue
		}
		add(v)
	}
	for _, body := range everyFilled() {
		add(body)
	}
	names := make([]string, 0, len(objects))
	for name := range objects { // in any order: they are sorted
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		c := codec{b: []byte("{"), whole: true}
		if name != "Shape" {
			objects[name](&c)
		}
		keys, err := split(append(c.b, '}'))
		if err != nil {
			t.Fatal(err)
		}
		c = codec{whole: true, packs: true}
		objects[name](&c)
		p := packed{rest: c.pack.b}
		for len(p.rest) > 0 {
			tag := p.takeUint()
			key := "-"
			if at := int(tag>>2) - 1; at < len(keys.list) {
				key = string(keys.list[at].name)
			}
			fmt.Fprintln(&b, name, tag>>2, key, []string{"number", "bytes", "true", "float"}[tag&3])
			switch tag & 3 {
			case numberForm:
				p.takeUint()
			case bytesForm:
				p.takeBytes()
			case floatForm:
				p.takeN(8)
			}
		}
		if p.err != nil {
			t.Errorf("%s: %v", name, p.err)
		}
	}
	const file = "testdata/packed.golden"
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(b.String(), "\n")); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// FuzzUnpack: no bytes lead to a panic, and what is read is packed and read the same again.
func FuzzUnpack(f *testing.F) {
	shape := testShape()
	round := &Round{Decided: []*NodeDecided{{Wave: 1, Node: "c", Edges: []Verdict{shape.edges[3]}}, {Wave: 1, Node: "each", Edges: []Verdict{shape.edges[3]}}}}
	for _, s := range []*Shape{nil, shape} {
		f.Add(new(Packer).Records(nil, sequence(append([]Body{round}, everyRecord...)...), s, nil))
		f.Add(new(Packer).Records(nil, sequence(everyFilled()...), s, nil))
		for _, b := range everyFilled() {
			f.Add(new(Packer).Records(nil, sequence(b), s, nil))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		list, _, err := unpacked(b, 1, shape)
		if err != nil && !bytes.HasPrefix(b, []byte{packedMark, 0}) {
			return
		}
		if err != nil {
			list, _, err = unpacked(b, 1, nil)
		}
		if err != nil || len(list) == 0 || b[0] == '{' {
			return
		}
		again, _, err := unpacked(new(Packer).Records(nil, list, shape, nil), 1, shape)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(list, again); d != "" {
			t.Errorf("(-first +again)\n%s", d)
		}
	})
}
