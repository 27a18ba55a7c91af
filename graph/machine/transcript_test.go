package machine

import (
	"bytes"
	"flag"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"

	"github.com/graphrun/graphrun/graph/value"
)

var update = flag.Bool("update", false, "write the transcripts' expectations again")

// script is a file of testdata: a graph, `---`, and lines. A line that is not
// indented is an input; the indented ones after it are what the machine said.
//
//	start [STATE] [params PARAMS]   a new stack
//	wake [+D] | early               Woke when it asked for it, D later, or at once
//	tick +D                         the clock moves, nobody tells the machine
//	running T, done T [JSON], fail T KIND [MESSAGE]    T is NODE or NODE/ITEM
//	fail T KIND@D [MESSAGE]         fail, and not to be tried again before D
//	spend T TOKENS COST             done, with what it cost
//	step T NAME TOKENS COST [JSON]  the running attempt records a step
//	mark T NAME [JSON]              it marks that a part begins
//	asks T CALLS                    the running attempt asks for words on [{id, tool, args}]
//	held T                          it returns without them
//	word NODE[/ITEM] JSON [call ID] [for ID]    a person's word: {approved, comment, by, args}
//	used T ATTEMPT TOKENS COST      an attempt whose result does not count has returned
//	event NAME [JSON] [id ID], answer NODE[/ITEM] JSON [for ID], deny NODE[/ITEM] KIND [MESSAGE]
//	end [REASON]                    Stop
//	sent ID                         a message has arrived
//	files PATTERN [[PATH, SIZE, MODIFIED, SINCE], …]    what a driver saw; both times in seconds
//	drop T                          CancelTask
//	stop                            a clean shutdown and a restart
//	rest, go                        the same; until go, nobody runs it (Options.Rest)
//	retry [LIMITS]                  Reopen
//	as [NAME]                       who gives the inputs that follow; none is nobody
//	crash, pause, resume, cancel [REASON], state, counts, outbox
//
// `# matrix: off` keeps a transcript that measures times out of the crash matrix.
type script struct {
	graph  string
	lines  []string
	matrix bool
}

func readScript(t *testing.T, file string) script {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	graph, rest, ok := strings.Cut(string(b), "---\n")
	if !ok {
		t.Fatalf("%s: no --- after the graph", file)
	}
	return script{
		graph:  graph,
		lines:  strings.Split(strings.TrimSuffix(rest, "\n"), "\n"),
		matrix: !strings.Contains(rest, "# matrix: off"),
	}
}

func (s *script) commands() (out []string) {
	for _, l := range s.lines {
		if l != "" && l[0] != '#' && l[0] != ' ' {
			out = append(out, l)
		}
	}
	return out
}

func TestTranscripts(t *testing.T) {
	t.Parallel()
	for _, file := range transcripts(t) {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			s := readScript(t, file)
			var got strings.Builder
			got.WriteString(s.graph + "---\n")
			r := newRig(t, compile(t, s.graph))
			r.print = func(line string) { got.WriteString("    " + line + "\n") }
			for _, l := range s.lines {
				if strings.HasPrefix(l, " ") {
					continue
				}
				got.WriteString(l + "\n")
				if l != "" && l[0] != '#' {
					do(r, l)
				}
			}
			if *update {
				if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, _ := os.ReadFile(file)
			if d := cmp.Diff(string(want), got.String()); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

func transcripts(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	return files
}

// do performs one line of a transcript.
func do(r *rig, line string) {
	r.t.Helper()
	verb, rest, _ := strings.Cut(line, " ")
	arg, tail, _ := strings.Cut(rest, " ")
	switch verb {
	case "start":
		init, params, _ := strings.Cut(rest, "params ")
		if err := r.start(r.object(params), r.object(init)); err != nil {
			r.print("error: " + err.Error())
		}
		return
	case "tick":
		r.clock = r.clock.Add(r.duration(arg))
		return
	case "wake":
		r.wake(arg)
	case "running":
		r.running(arg)
	case "done":
		r.done(arg, r.value(tail))
	case "spend":
		r.running(arg)
		h := r.tasks[arg]
		delete(r.tasks, arg)
		in := TaskDone{At: r.clock, Key: h.task.Key, Attempt: h.task.Attempt}
		if _, err := fmt.Sscan(tail, &in.Tokens, &in.Cost); err != nil {
			r.t.Fatal(err)
		}
		r.step(in)
	case "step":
		in := TaskStep{At: r.clock, Duration: time.Second}
		h := r.tasks[arg]
		in.Key, in.Attempt = h.task.Key, h.task.Attempt
		words := strings.SplitN(tail, " ", 4)
		if _, err := fmt.Sscan(strings.Join(words[1:3], " "), &in.Tokens, &in.Cost); err != nil {
			r.t.Fatal(err)
		}
		in.Name = words[0]
		if len(words) > 3 {
			in.Content = r.known(r.value(words[3]))
		}
		r.try(in)
	case "mark":
		h := r.tasks[arg]
		name, content, _ := strings.Cut(tail, " ")
		r.try(TaskStep{At: r.clock, Key: h.task.Key, Attempt: h.task.Attempt, Name: name, Content: r.known(r.value(content)), Mark: true})
	case "asks":
		h := r.tasks[arg]
		r.try(TaskWaits{At: r.clock, Key: h.task.Key, Attempt: h.task.Attempt, Calls: r.calls(tail)})
	case "held":
		h := r.tasks[arg]
		delete(r.tasks, arg)
		r.step(TaskHeld{At: r.clock, Key: h.task.Key, Attempt: h.task.Attempt})
	case "word":
		r.try(r.word(arg, tail))
	case "used":
		in := TaskUsed{At: r.clock, Key: r.keys[arg]}
		if _, err := fmt.Sscan(tail, &in.Attempt, &in.Tokens, &in.Cost); err != nil {
			r.t.Fatal(err)
		}
		r.step(in)
	case "sent":
		r.step(Sent{At: r.clock, ID: arg})
	case "outbox":
		r.print(string(r.state[outboxName]))
	case "counts":
		c := r.m.Cursor().Counts
		r.print(fmt.Sprintf("tokens %d, cost %g", c.Tokens, c.Cost))
	case "fail":
		kind, message, _ := strings.Cut(tail, " ")
		kind, permanent := strings.CutSuffix(kind, "!")
		kind, wait, _ := strings.Cut(kind, "@")
		d, _ := time.ParseDuration(wait)
		r.fail(arg, journal.Failure{Kind: kind, Message: message, Permanent: permanent}, d)
	case "event":
		payload, id, _ := strings.Cut(tail, " id ")
		r.try(Event{At: r.clock, ID: id, Name: arg, Payload: r.value(payload)})
	case "answer":
		answer, id, _ := strings.Cut(tail, " for ")
		node, item, _ := strings.Cut(arg, "/")
		r.try(Answer{At: r.clock, Node: node, Item: item, Output: r.value(answer), For: id})
	case "end":
		r.step(Stop{At: r.clock, Reason: rest})
	case "deny":
		kind, message, _ := strings.Cut(tail, " ")
		node, item, _ := strings.Cut(arg, "/")
		r.try(Answer{At: r.clock, Node: node, Item: item, Failure: &journal.Failure{Kind: kind, Message: message}})
	case "drop":
		node, item, _ := strings.Cut(arg, "/")
		r.try(CancelTask{At: r.clock, Node: node, Item: item})
	case "stop", "rest", "go":
		r.o.Rest = verb == "rest"
		r.clean = true
		r.crash()
	case "crash":
		r.crash()
	case "files":
		r.step(Files{At: r.clock, Pattern: arg, Seen: filesIn(r, tail)})
	case "next":
		r.step(NextWave{At: r.clock})
	case "as":
		r.by, r.o.By = arg, arg
		return
	case "retry":
		limits, err := ReadLimits(r.object(rest))
		if err != nil {
			r.t.Fatal(err)
		}
		r.try(Reopen{At: r.clock, Limits: limits})
	case "pause":
		r.step(Pause{At: r.clock})
	case "resume":
		r.step(Resume{At: r.clock})
	case "cancel":
		r.step(Cancel{At: r.clock, Reason: rest})
	case "state":
		for _, l := range strings.Split(strings.TrimSpace(r.stateText()), "\n") {
			r.print(l)
		}
	default:
		r.t.Fatalf("unknown line %q", line)
	}
	r.drain()
}

// signed puts the giver of an input into it, after the record of a command.
func (r *rig) signed(in Input) Input {
	control := Control{At: r.clock, By: r.by}
	switch i := in.(type) {
	case Event:
		i.By = r.by
		return i
	case Answer:
		i.By = r.by
		return i
	case Stop:
		i.By, control.Action = r.by, journal.ActionStop
		in = i
	case Cancel:
		i.By, control.Action = r.by, journal.ActionCancel
		in = i
	case CancelTask:
		control.Action, control.Node, control.Item = journal.ActionCancelTask, i.Node, i.Item
	case Pause:
		control.Action = journal.ActionPause
	case Resume:
		control.Action = journal.ActionResume
	case Woke:
		if !i.Early {
			return in
		}
		control.Action = journal.ActionWake
	default:
		return in
	}
	if err := r.m.Step(control); err != nil {
		r.t.Fatal(err)
	}
	return in
}

// try steps an input that may be refused.
func (r *rig) try(in Input) {
	if err := r.m.Step(r.signed(in)); err != nil {
		r.print("error: " + err.Error())
	}
}

func (r *rig) wake(arg string) {
	if at := r.m.WakeAt(); arg == "" && at.After(r.clock) {
		r.clock = at
	} else if strings.HasPrefix(arg, "+") {
		r.clock = r.clock.Add(r.duration(arg))
	}
	r.step(Woke{At: r.clock, Early: arg == "early"})
}

func (r *rig) duration(s string) time.Duration {
	d, err := time.ParseDuration(strings.TrimPrefix(s, "+"))
	if err != nil {
		r.t.Fatal(err)
	}
	return d
}

func (r *rig) value(s string) any {
	if s == "" {
		return nil
	}
	v, err := value.Decode([]byte(s))
	if err != nil {
		r.t.Fatalf("%q: %v", s, err)
	}
	return v
}

func (r *rig) object(s string) map[string]any {
	m, _ := r.value(strings.TrimSpace(s)).(map[string]any)
	return m
}

var attempts = regexp.MustCompile(`#\d+`)

// story is what a transcript comes to whatever crashes: without the starting
// of attempts, and without their numbers. Attempts that are cancelled end in any
// order, when their work does.
func story(r *rig) string {
	var b strings.Builder
	var cancelled []string
	for _, rec := range r.records {
		line := attempts.ReplaceAllString(r.recordText(rec), "") + "\n"
		switch body, _ := rec.Body.(*journal.TaskFinished); {
		case rec.Body.Type() == "task.started":
		case body != nil && body.Error != nil && body.Error.Kind == "cancelled":
			cancelled = append(cancelled, line)
		default:
			b.WriteString(line)
		}
	}
	slices.Sort(cancelled)
	b.WriteString(strings.Join(cancelled, ""))
	c := r.m.Cursor()
	fmt.Fprintf(&b, "%s %s%+v %v\n", r.stateText(), c.Status, c.Counts, c.WakeAt)
	return b.String()
}

func play(t *testing.T, s script, crashAt int) *rig {
	t.Helper()
	r := newRig(t, compile(t, s.graph))
	r.crashAt = crashAt
	r.o.Snapshots = crashAt%2 == 1
	for _, l := range s.commands() {
		do(r, l)
	}
	return r
}

// A crash after any commit changes nothing but the attempts.
func TestCrashMatrix(t *testing.T) {
	t.Parallel()
	for _, file := range transcripts(t) {
		s := readScript(t, file)
		if !s.matrix {
			continue
		}
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			plain := play(t, s, 0)
			want := story(plain)
			for n := 1; n <= plain.advances; n++ {
				r := play(t, s, n)
				if !r.crashed {
					t.Fatalf("crash after advance %d did not happen", n)
				}
				if d := cmp.Diff(want, story(r)); d != "" {
					t.Errorf("crash after advance %d (-without +with)\n%s", n, d)
				}
				checkReplay(t, r)
			}
		})
	}
}

// graphs knows the rig's one definition.
func (r *rig) graphs(string) (*graph.Graph, error) { return r.g, nil }

// checkReplay decides a history again, and at every commit finds its state.
func checkReplay(t *testing.T, r *rig) {
	t.Helper()
	again := r.replayer()
	m, differences, err := again.To(journal.Point{})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range differences {
		t.Errorf("replay: %v", d)
	}
	if d := cmp.Diff(r.stateText(), stateOf(m)); d != "" {
		t.Errorf("state after replay (-recorded +replayed)\n%s", d)
	}
	if d := cmp.Diff(r.writersText(), value.String(m.writers.list)); d != "" {
		t.Errorf("writers after replay (-recorded +replayed)\n%s", d)
	}
	for at, want := range r.states {
		m, _, err := again.To(at)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, stateOf(m)); d != "" {
			t.Errorf("state at %v (-recorded +replayed)\n%s", at, d)
		}
	}
}

// writersText is who last wrote the keys, as the store has it.
func (r *rig) writersText() string { return string(r.state[writersName]) }

// replayer decides the rig's whole history again.
func (r *rig) replayer() Replayer {
	o := r.o
	o.scratch = !o.scratch // whoever decides the other way decides the same
	return Replayer{Graphs: r.graphs, Options: o, Base: journal.Snapshot{Identity: r.id}, Records: stream(r.records)}
}

// stream gives records one by one, as a store does.
func stream(records []journal.Record) iter.Seq2[journal.Record, error] {
	return func(yield func(journal.Record, error) bool) {
		for _, r := range records {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func stateOf(m *Machine) string {
	r := rig{state: map[string][]byte{}}
	for k, v := range m.State() {
		r.state[k] = value.Append(nil, v)
	}
	return r.stateText()
}

// The same inputs give the same bytes.
func TestDeterminism(t *testing.T) {
	t.Parallel()
	for _, file := range transcripts(t) {
		s := readScript(t, file)
		a, b := play(t, s, 0), play(t, s, 0)
		if !bytes.Equal(bytes.Join(a.journal, nil), bytes.Join(b.journal, nil)) {
			t.Errorf("%s: two runs differ", file)
		}
		checkReplay(t, a)
	}
}

func filesIn(r *rig, text string) (out []File) {
	all, _ := r.value(text).([]any)
	second := func(v any) time.Time {
		n, _ := v.(int64)
		return epoch.Add(time.Duration(n) * time.Second)
	}
	for _, one := range all {
		f, _ := one.([]any)
		path, _ := f[0].(string)
		size, _ := f[1].(int64)
		out = append(out, File{Path: path, Size: size, Modified: second(f[2]), Since: second(f[3])})
	}
	return out
}
