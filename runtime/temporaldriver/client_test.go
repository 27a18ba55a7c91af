package temporaldriver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes/std"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
)

const lettersGraph = `graphrun: 1
name: letters
params: {who: {type: string, default: ann}}
state: {got: {type: list(string), reduce: append}, sorted: {type: integer, default: 0}, last: {type: string, default: ""}, ok: boolean?}
events: {mail: {to: got}, note: {type: string, queue: 1}}
nodes:
  sort: {uses: set, with: {n: "${{ len(state.got) }}", text: "${{ params.who }}"}, writes: {sorted: output.n, last: output.text}}
  ask: {uses: approval, with: {prompt: Burn them?}, writes: {ok: output.approved}}
edges:
  - {to: sort, when: len(state.got) > state.sorted}
  - {to: ask, when: state.ok == nil}
pause: none
stop: state.ok != nil
`

// started is a client of a cluster that runs a stack of a graph, which has the graph's name.
func started(t *testing.T, text string, o Options) (*cluster, *Client, *graph.Graph) {
	t.Helper()
	o.Kinds = std.Registry()
	c := newCluster(t, o)
	g := compileText(t, text, o.Kinds)
	cl := c.newClient()
	if err := cl.Start(t.Context(), g, runtime.StartOptions{Source: []byte(text)}); err != nil {
		t.Fatal(err)
	}
	return c, cl, g
}

func status(t *testing.T, cl *Client, stack string) runtime.Status {
	t.Helper()
	st, err := cl.Status(t.Context(), stack)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// TestClientLife: a stack on a cluster is led by the methods of an engine, from its start until it
// is removed.
func TestClientLife(t *testing.T) {
	t.Parallel()
	c, cl, g := started(t, lettersGraph, Options{})
	ctx := runtime.As(t.Context(), "eve")
	if err := cl.Start(ctx, g, runtime.StartOptions{}); !errors.Is(err, runtime.ErrExists) {
		t.Errorf("a second start: %v", err)
	}
	st := status(t, cl, "letters")
	if !st.Driven || !st.Loaded || st.Graph != "letters" || st.Cursor.Status != journal.Running || len(st.Cursor.Waiting) != 1 || st.Child || st.CreatedAt.IsZero() || st.Problem != nil {
		t.Errorf("it stands at %+v", st)
	}
	if err := cl.Pause(ctx, "letters"); err != nil {
		t.Fatal(err)
	}
	if st := status(t, cl, "letters"); st.Cursor.Status != journal.Paused {
		t.Errorf("paused: %s", st.Cursor.Status)
	}
	for n, want := range []bool{false, true} {
		if again, err := cl.Send(ctx, runtime.Send{Stack: "letters", Event: "mail", Payload: []string{"hi"}, ID: "1"}); err != nil || again != want {
			t.Errorf("sent for the %d. time: %v, %v", n+1, again, err)
		}
	}
	if err := cl.Unpause(ctx, "letters"); err != nil {
		t.Fatal(err)
	}
	if err := cl.Wake(ctx, "letters"); err != nil {
		t.Fatal(err)
	}
	if st = status(t, cl, "letters"); st.Cursor.Status != journal.Running || st.Cursor.Counts.NodeRuns == 0 {
		t.Errorf("resumed: %+v", st.Cursor)
	}
	if err := cl.Remove(ctx, "letters"); !errors.Is(err, runtime.ErrNotEnded) {
		t.Errorf("removed while it runs: %v", err)
	}
	question := st.Cursor.Waiting[0]
	answer := runtime.AnswerOptions{Output: map[string]any{"approved": true}, For: question.ID()}
	if err := cl.AnswerWith(ctx, "letters", "ask", answer); err != nil {
		t.Fatal(err)
	}
	out, err := c.end("letters")
	if err != nil || out.Status != journal.Completed || value.String(out.State.Any()) != `{"got":["hi"],"last":"ann","ok":true,"sorted":1}` {
		t.Fatalf("it ended: %+v, %v", out, err)
	}

	st = status(t, cl, "letters")
	if st.Driven || st.Loaded || st.Cursor.Status != journal.Completed {
		t.Errorf("ended: %+v", st)
	}
	if err := cl.AnswerWith(ctx, "letters", "ask", answer); err != nil {
		t.Errorf("the same answer again: %v", err)
	}
	answer.Output = map[string]any{"approved": false}
	if err := cl.AnswerWith(ctx, "letters", "ask", answer); !errors.Is(err, runtime.ErrEnded) {
		t.Errorf("another answer: %v", err)
	}
	if again, err := cl.Send(ctx, runtime.Send{Stack: "letters", Event: "mail", Payload: []string{"hi"}, ID: "1"}); !again || err != nil {
		t.Errorf("sent again after the end: %v, %v", again, err)
	}
	if _, err := cl.Send(ctx, runtime.Send{Stack: "letters", Event: "mail", Payload: []string{"hi"}, ID: "2"}); !errors.Is(err, runtime.ErrEnded) {
		t.Errorf("sent after the end: %v", err)
	}
	for name, err := range map[string]error{
		"pause": cl.Pause(ctx, "letters"), "resume": cl.Unpause(ctx, "letters"), "wake": cl.Wake(ctx, "letters"),
		"cancel": cl.Cancel(ctx, "letters", ""), "stop": cl.End(ctx, "letters"),
	} {
		if !errors.Is(err, runtime.ErrEnded) {
			t.Errorf("%s after the end: %v", name, err)
		}
	}
	if err := cl.CancelTask(ctx, "letters", "ask", ""); err != nil {
		t.Errorf("a task is cancelled after the end: %v", err)
	}
	by := map[string]string{}
	if err := cl.Records(ctx, "letters", journal.Want{}, func(r journal.Record) error {
		switch b := r.Body.(type) {
		case *journal.EventReceived:
			by["event"] = b.By
		case *journal.StackControl:
			by[string(b.Action)] = b.By
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if want := map[string]string{"event": "eve", "pause": "eve", "resume": "eve", "wake": "eve"}; !reflect.DeepEqual(by, want) {
		t.Errorf("who acts: %v, want %v", by, want)
	}
	if err := cl.Remove(ctx, "letters"); err != nil {
		t.Fatal(err)
	}
	if _, err := cl.Status(ctx, "letters"); !errors.Is(err, runtime.ErrNotFound) {
		t.Errorf("it is removed: %v", err)
	}
	if err := cl.Start(ctx, g, runtime.StartOptions{}); err != nil {
		t.Errorf("its id is free again: %v", err)
	}
}

// TestClientErrors: what a stack refuses comes back as the same error.
func TestClientErrors(t *testing.T) {
	t.Parallel()
	_, cl, _ := started(t, lettersGraph, Options{})
	ctx := t.Context()
	send := func(event string, payload any) error {
		_, err := cl.Send(ctx, runtime.Send{Stack: "letters", Event: event, Payload: payload})
		return err
	}
	if err := send("note", "a"); err != nil {
		t.Fatal(err)
	}
	var (
		event   *machine.UnknownEventError
		payload *machine.PayloadError
		full    *machine.QueueFullError
		node    *machine.UnknownNodeError
		answer  *machine.AnswerError
		unknown *runtime.UnknownStackError
	)
	for name, of := range map[string]struct {
		err  error
		as   any
		says string
	}{
		"unknown event": {send("male", "x"), &event, `unknown event "male"`},
		"payload":       {send("mail", 7), &payload, "expected list(string)"},
		"no value":      {send("mail", func() {}), &payload, "mail"},
		"full":          {send("note", "b"), &full, "note"},
		"unknown node":  {cl.AnswerWith(ctx, "letters", "asked", runtime.AnswerOptions{}), &node, "asked"},
		"unknown task":  {cl.CancelTask(ctx, "letters", "asked", ""), &node, "asked"},
		"answer":        {cl.AnswerWith(ctx, "letters", "ask", runtime.AnswerOptions{Output: 7}), &answer, "ask"},
		"unknown stack": {cl.Pause(ctx, "paper"), &unknown, `(there are: letters)`},
		"no such event": {func() error { _, err := cl.Send(ctx, runtime.Send{Stack: "paper", Event: "mail"}); return err }(), &unknown, "paper"},
		"status":        {func() error { _, err := cl.Status(ctx, "paper"); return err }(), &unknown, "paper"},
		"remove":        {cl.Remove(ctx, "paper"), &unknown, "paper"},
	} {
		if !errors.As(of.err, of.as) || !strings.Contains(of.err.Error(), of.says) {
			t.Errorf("%s: %T %v", name, of.err, of.err)
		}
	}
	if err := cl.AnswerWith(ctx, "letters", "sort", runtime.AnswerOptions{}); !errors.Is(err, machine.ErrNotWaiting) {
		t.Errorf("not waiting: %v", err)
	}
	if _, err := cl.Send(ctx, runtime.Send{Stack: "letters", Event: "mail", ID: strings.Repeat("x", machine.MaxEventID+1)}); err == nil {
		t.Error("an id that is too long is taken")
	}
	if err := send("mail", []string{strings.Repeat("x", largestValue)}); err == nil || !strings.Contains(err.Error(), "at most") {
		t.Errorf("a payload that is too large: %v", err)
	}
	for _, err := range []error{
		func() error { _, err := cl.Stack(ctx, "paper"); return err }(),
		func() error { _, err := cl.State(ctx, "paper"); return err }(),
		func() error { _, err := cl.Base(ctx, "paper", journal.Point{}); return err }(),
		func() error { _, err := cl.Graph(ctx, "beef"); return err }(),
		func() error {
			_, err := cl.Memory(ctx, journal.MemoryRef{Stack: "paper", Name: "notes"}, 0, nil)
			return err
		}(),
		cl.Records(ctx, "paper", journal.Want{}, nil),
	} {
		if !errors.Is(err, journal.ErrNotFound) {
			t.Errorf("read: %v", err)
		}
	}
	for _, ref := range []journal.MemoryRef{{Stack: "letters", Name: "notes"}, {Graph: "letters", Name: "notes"}} {
		if state, err := cl.Memory(ctx, ref, 0, nil); err != nil || state != (journal.MemoryState{}) {
			t.Errorf("a memory that was never written to: %+v, %v", state, err)
		}
	}
	if err := cl.Cancel(ctx, "letters", "enough"); err != nil {
		t.Fatal(err)
	}
	if err := cl.Cancel(ctx, "letters", "again"); err != nil {
		t.Errorf("cancelled twice: %v", err)
	}
	if st := status(t, cl, "letters"); st.Cursor.Status != journal.Cancelled || st.Cursor.Reason != "enough" {
		t.Errorf("cancelled: %+v", st.Cursor)
	}
}

// TestClientGivesAgain: a command that the cluster drops is given again, and not for ever.
func TestClientGivesAgain(t *testing.T) {
	t.Parallel()
	c, cl, _ := started(t, lettersGraph, Options{Patience: 200 * time.Millisecond})
	c.drops = 1
	if again, err := cl.Send(t.Context(), runtime.Send{Stack: "letters", Event: "mail", Payload: []string{"hi"}, ID: "1"}); again || err != nil || c.drops >= 0 {
		t.Errorf("%v, %v, %d left", again, err, c.drops)
	}
	c.drops = 1000
	var store *runtime.StoreError
	if err := cl.Pause(t.Context(), "letters"); !errors.As(err, &store) || !strings.Contains(err.Error(), "the log of its worker") {
		t.Errorf("%v", err)
	}
	if st := status(t, cl, "letters"); st.Cursor.Status != journal.Running {
		t.Errorf("it is %s", st.Cursor.Status)
	}
}

// TestClientEnds: a stack ends gently.
func TestClientEnds(t *testing.T) {
	t.Parallel()
	c, cl, _ := started(t, lettersGraph, Options{})
	if err := cl.End(t.Context(), "letters"); err != nil {
		t.Fatal(err)
	}
	if out, err := c.end("letters"); err != nil || out.Status != journal.Cancelled || out.Reason != runtime.Stopped {
		t.Errorf("%+v, %v", out, err)
	}
}

// TestWireErrors: each error that a machine gives keeps its type and its text on the way.
func TestWireErrors(t *testing.T) {
	t.Parallel()
	cause := errors.New("expected text")
	for _, err := range []error{
		&machine.UnknownEventError{Event: "male", Known: []string{"mail"}},
		&machine.PayloadError{Event: "mail", Key: "got", Expected: "list(string)", Err: cause},
		&machine.QueueFullError{Event: "mail"},
		&machine.UnknownNodeError{Node: "asked", Known: []string{"ask"}},
		&machine.AnswerError{Node: "ask", Expected: "boolean", Err: cause},
		&machine.StaleAnswerError{Node: "ask"},
		&machine.CallsError{Node: "ask", Item: "a", Call: "9", Items: []string{"b"}, Waiting: []journal.Call{{ID: "1", Tool: "rm"}, {ID: "2", Tool: "mv"}}},
		errors.New("something else"),
		fmt.Errorf("%w: %q (waiting: ask)", machine.ErrNotWaiting, "sort"),
		machine.ErrEnded,
	} {
		b, broken := json.Marshal(toWire(err))
		if broken != nil {
			t.Fatal(broken)
		}
		var w wireError
		if broken := json.Unmarshal(b, &w); broken != nil {
			t.Fatal(broken)
		}
		got := w.err("letters")
		switch {
		case errors.Is(err, machine.ErrEnded):
			if !errors.Is(got, runtime.ErrEnded) {
				t.Errorf("%v became %v", err, got)
			}
		case errors.Is(err, machine.ErrNotWaiting):
			if !errors.Is(got, machine.ErrNotWaiting) || got.Error() != err.Error() {
				t.Errorf("%v became %v", err, got)
			}
		case reflect.TypeOf(got) != reflect.TypeOf(err) || got.Error() != err.Error():
			t.Errorf("%T %v became %T %v", err, err, got, got)
		}
	}
	if err := (wireError{Code: codeDuplicate}).err("letters"); err != nil {
		t.Errorf("a duplicate is the error %v", err)
	}
}

// TestClientStartChecks: what cannot begin is refused at once, and is not on the cluster.
func TestClientStartChecks(t *testing.T) {
	t.Parallel()
	o := Options{Kinds: std.Registry()}
	c := newCluster(t, o)
	cl := c.newClient()
	g := compileText(t, lettersGraph, o.Kinds)
	lacking := *g
	lacking.Missing = []string{`node "ask" uses approval`}
	var init *runtime.InitError
	var lacks *runtime.MissingError
	for name, of := range map[string]struct {
		g    *graph.Graph
		o    runtime.StartOptions
		as   any
		says string
	}{
		"no graph": {nil, runtime.StartOptions{}, &init, "no graph"},
		"id":       {g, runtime.StartOptions{ID: "a/b"}, &init, "bad stack id"},
		"param":    {g, runtime.StartOptions{Params: map[string]any{"who": 7}}, &init, "who"},
		"state":    {g, runtime.StartOptions{State: map[string]any{"sorted": "x"}}, &init, "sorted"},
		"no value": {g, runtime.StartOptions{State: map[string]any{"sorted": func() {}}}, &init, "sorted"},
		"kinds":    {&lacking, runtime.StartOptions{}, &lacks, "uses approval"},
		"lockstep": {compileText(t, lettersGraph+"fleet: lockstep\n", o.Kinds), runtime.StartOptions{}, &init, "it cannot run on Temporal"},
	} {
		err := cl.Start(t.Context(), of.g, of.o)
		if !errors.As(err, of.as) || !strings.Contains(err.Error(), of.says) {
			t.Errorf("%s: %T %v", name, err, err)
		}
	}
	for _, o := range []runtime.StartOptions{{Rest: true}, {StopAfter: runtime.StopAfter{Cycles: 1}}} {
		if err := cl.Start(t.Context(), g, o); !errors.Is(err, api.ErrUnsupported) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	if len(c.stacks) > 0 {
		t.Errorf("%d stacks have begun", len(c.stacks))
	}
	if err := cl.Start(t.Context(), g, runtime.StartOptions{ID: "mine", Params: map[string]any{"who": "bob"}, State: map[string]any{"sorted": 3}}); err != nil {
		t.Fatal(err)
	}
	snap, err := cl.State(t.Context(), "mine")
	if err != nil || snap.Identity.Params["who"] != "bob" || snap.State["sorted"] != int64(3) {
		t.Errorf("%+v, %v", snap, err)
	}
}

// TestClientAdopts: a stack adopts a changed graph that fits.
func TestClientAdopts(t *testing.T) {
	t.Parallel()
	_, cl, g := started(t, lettersGraph, Options{})
	ctx := t.Context()
	changed := strings.Replace(lettersGraph, "Burn them?", "Keep them?", 1)
	next := compileText(t, changed, std.Registry())
	if pending, err := cl.Adopt(ctx, "letters", next, []byte(changed)); pending || err != nil {
		t.Fatal(pending, err)
	}
	st := status(t, cl, "letters")
	if st.Cursor.Hash != next.Hash || st.Cursor.Hash == g.Hash {
		t.Errorf("it runs under %s", st.Cursor.Hash)
	}
	for hash, text := range map[string]string{g.Hash: lettersGraph, next.Hash: changed} {
		if kept, err := cl.Graph(ctx, hash); err != nil || string(kept.Source) != text {
			t.Errorf("graph %.8s: %v", hash, err)
		}
	}
	if _, err := cl.Send(ctx, runtime.Send{Stack: "letters", Event: "mail", Payload: []string{"hi"}}); err != nil {
		t.Fatal(err)
	}
	wrong := compileText(t, strings.Replace(lettersGraph, "got: {type: list(string)", "got: {type: list(integer)", 1), std.Registry())
	var adopt *runtime.AdoptError
	if _, err := cl.Adopt(ctx, "letters", wrong, nil); !errors.As(err, &adopt) || adopt.Hash != wrong.Hash || !strings.Contains(err.Error(), "got") {
		t.Errorf("a graph that does not fit: %v", err)
	}
	if st := status(t, cl, "letters"); st.Cursor.Hash != next.Hash || st.Refused == nil {
		t.Errorf("it runs under %s, refused %v; %s %s", st.Cursor.Hash, st.Refused, next.Hash, wrong.Hash)
	}
	other := compileText(t, strings.Replace(lettersGraph, "name: letters", "name: paper", 1), std.Registry())
	var of *runtime.GraphError
	if _, err := cl.Adopt(ctx, "letters", other, nil); !errors.As(err, &of) {
		t.Errorf("another graph: %v", err)
	}
	if _, err := cl.Adopt(ctx, "paper", next, nil); !errors.Is(err, runtime.ErrNotFound) {
		t.Errorf("a stack that is not there: %v", err)
	}
}

// TestClientReads: long histories and many cycles are read in pieces, across the workflows that a
// stack continues as.
func TestClientReads(t *testing.T) {
	t.Parallel()
	_, cl, g := started(t, lettersGraph, Options{LargeValues: true, EventsPerRun: 20})
	ctx := t.Context()
	const sent = 6
	for i := range sent {
		text := fmt.Sprint(i, strings.Repeat("x", pageBytes/3))
		if _, err := cl.Send(ctx, runtime.Send{Stack: "letters", Event: "mail", Payload: []string{text}}); err != nil {
			t.Fatal(err)
		}
	}
	var seqs []uint64
	var got []string
	last := uint64(0)
	if err := cl.Records(ctx, "letters", journal.Want{Bulk: true}, func(r journal.Record) error {
		seqs = append(seqs, r.Seq)
		if last++; r.Seq != last {
			t.Errorf("record %d comes after %d", r.Seq, last-1)
		}
		if e, ok := r.Body.(*journal.EventReceived); ok {
			got = append(got, value.String(e.Payload)[2:3])
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if sum, err := cl.Stack(ctx, "letters"); err != nil || sum.Cursor.Seq != last || sum.Cursor.Hash != g.Hash {
		t.Errorf("%d records: %+v, %v", last, sum, err)
	}
	if strings.Join(got, "") != "012345" {
		t.Errorf("events %v", got)
	}
	stop := errors.New("stop")
	if err := cl.Records(ctx, "letters", journal.Want{Types: []string{"event.received"}}, func(r journal.Record) error {
		if r.Bulk() != nil {
			t.Error("a record has its bulk")
		}
		return stop
	}); !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
	n := 0
	if err := cl.Records(ctx, "letters", journal.Want{Last: 1, Bulk: true}, func(journal.Record) error { n++; return nil }); err != nil || n == 0 || n == len(seqs) {
		t.Errorf("the last cycle has %d of %d records: %v", n, len(seqs), err)
	}
}

// TestClientWithoutWorker: a stack that nobody runs is said to be so, in time.
func TestClientWithoutWorker(t *testing.T) {
	t.Parallel()
	o := Options{Kinds: std.Registry(), Patience: 20 * time.Millisecond}
	c := newCluster(t, o)
	cl := c.newClient()
	ctx := t.Context()
	g := compileText(t, lettersGraph, o.Kinds)
	if err := cl.Start(ctx, g, runtime.StartOptions{ID: "a"}); err != nil {
		t.Fatal(err)
	}
	c.desert(true)
	if err := cl.Start(ctx, g, runtime.StartOptions{ID: "b"}); err != nil {
		t.Fatal(err)
	}
	if st := status(t, cl, "b"); st.Driven || st.Graph != "letters" || st.Cursor.Status != journal.Running || st.CreatedAt.IsZero() {
		t.Errorf("it has not begun: %+v", st)
	}
	isSilent := func(what string, err error) {
		t.Helper()
		var store *runtime.StoreError
		if !errors.As(err, &store) || !strings.Contains(err.Error(), "no worker answers") {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err := cl.Status(ctx, "a")
	isSilent("status", err)
	isSilent("pause", cl.Pause(ctx, "a"))
	_, err = cl.Stack(ctx, "a")
	isSilent("stack", err)
	n := 0
	if err := cl.ListWhere(ctx, runtime.Filter{}, func(st runtime.Status) error {
		n++
		isSilent("list", st.Problem)
		return nil
	}); err != nil || n != 2 {
		t.Errorf("%d stacks, %v", n, err)
	}
	c.desert(false)
	if st := status(t, cl, "a"); !st.Driven {
		t.Errorf("it is driven again: %+v", st)
	}
	short, stop := context.WithCancel(ctx)
	stop()
	if err := cl.Pause(short, "b"); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that has ended: %v", err)
	}
}

// TestClientLists: lists have the stacks in the order of their ids, with all filters.
func TestClientLists(t *testing.T) {
	t.Parallel()
	o := Options{Kinds: std.Registry()}
	c := newCluster(t, o)
	cl := c.newClient()
	ctx := t.Context()
	letters := compileText(t, lettersGraph, o.Kinds)
	paper := compileText(t, strings.Replace(lettersGraph, "name: letters", "name: paper", 1), o.Kinds)
	for _, id := range []string{"e", "b", "d", "a", "c"} {
		g := letters
		if id == "b" || id == "e" {
			g = paper
		}
		if err := cl.Start(ctx, g, runtime.StartOptions{ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	if err := cl.Pause(ctx, "d"); err != nil {
		t.Fatal(err)
	}
	if err := cl.Cancel(ctx, "c", "enough"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.end("c"); err != nil {
		t.Fatal(err)
	}
	for want, f := range map[string]runtime.Filter{
		"a b c d e": {},
		"c d e":     {After: "b"},
		"d e":       {After: "cc"},
		"":          {After: "e"},
		"b e":       {Graph: "paper"},
		"a b e":     {Status: journal.Running},
		"d":         {Status: journal.Paused},
		"c":         {Status: journal.Cancelled, Graph: "letters"},
		"a c d":     {Within: "letters"},
	} {
		var got []string
		if err := cl.ListWhere(ctx, f, func(st runtime.Status) error {
			if st.Problem != nil || st.CreatedAt.IsZero() {
				t.Errorf("%+v", st)
			}
			got = append(got, st.Stack)
			return nil
		}); err != nil || strings.Join(got, " ") != want {
			t.Errorf("%+v: %v, %v, want %s", f, got, err, want)
		}
	}
	before := len(c.asked)
	stop := errors.New("stop")
	for _, after := range []string{"a", "b"} {
		if err := cl.ListWhere(ctx, runtime.Filter{After: after}, func(runtime.Status) error { return stop }); !errors.Is(err, stop) {
			t.Errorf("%v", err)
		}
	}
	if len(c.asked) != before {
		t.Error("a page that follows another one has the list made again")
	}
	var sums []string
	if err := inspect.StacksAfter(ctx, cl, "b", func(sum journal.Summary) error {
		sums = append(sums, sum.Identity.Stack+" "+string(sum.Cursor.Status))
		return sum.Err
	}); err != nil || strings.Join(sums, ", ") != "c cancelled, d paused, e running" {
		t.Errorf("%v, %v", sums, err)
	}
	var asked []string
	var first runtime.Question
	ask := func(graph string, after runtime.Question) {
		t.Helper()
		asked = nil
		if err := cl.Asked(ctx, graph, after, func(q runtime.Question, a inspect.Asked) error {
			if len(asked) == 0 {
				first = q
			}
			asked = append(asked, a.Stack)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	ask("", runtime.Question{})
	if all := slices.Sorted(slices.Values(asked)); !reflect.DeepEqual(all, []string{"a", "b", "d", "e"}) || asked[0] != "e" {
		t.Errorf("asked: %v", asked)
	}
	ask("paper", first)
	if !reflect.DeepEqual(asked, []string{"b"}) {
		t.Errorf("asked behind the first: %v", asked)
	}
	if err := cl.Health(); err != nil {
		t.Error(err)
	}
}
