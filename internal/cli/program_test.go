package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
	"github.com/graphrun/graphrun/runtime/feed"
	"github.com/graphrun/graphrun/runtime/memstore"
)

// elsewhere is a backend whose stacks are in the memory of the test.
type elsewhere struct {
	rt    *runtime.Runtime
	store inspect.Reader
	place string
}

func (m *elsewhere) Flags(f *pflag.FlagSet) {
	f.StringVar(&m.place, "place", "here", "`NAME` of the place of the stacks")
}

func (m *elsewhere) Connect(_ context.Context, s *Shell, _ bool) (*api.Client, error) {
	if m.place == "nowhere" {
		return nil, &runtime.StoreError{Err: errors.New("the place is not there")}
	}
	return s.Client(api.Local(m.rt), m.store, func() error { return nil }), nil
}

const letters = `graphrun: 1
name: letters
params: {who: {type: string, default: ann}}
state: {got: {type: list(string), reduce: append}, sorted: {type: integer, default: 0}, last: {type: string, default: ""}, ok: boolean?}
events: {mail: {to: got}}
nodes:
  sort: {uses: set, with: {n: "${{ len(state.got) }}", text: "${{ params.who }}"}, writes: {sorted: output.n, last: output.text}}
  ask: {uses: approval, with: {prompt: Burn them?}, writes: {ok: output.approved}}
edges:
  - {to: sort, when: len(state.got) > state.sorted}
  - {to: ask, when: state.ok == nil}
pause: none
stop: state.ok != nil
`

// TestOtherProgram: a program of the same commands over another backend says what graphrun says
// of the same stacks, under its own name.
func TestOtherProgram(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "other") //nolint:usetesting // t.TempDir has a path too long for a socket on some systems
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	file, db := filepath.Join(dir, "letters.yaml"), filepath.Join(dir, "s.db")
	if err := os.WriteFile(file, []byte(letters), 0o600); err != nil {
		t.Fatal(err)
	}
	owner := &app{out: &dataWriter{w: io.Discard}, err: io.Discard}
	store, news := memstore.New(), make(chan struct{}, 1)
	rt, err := runtime.Open(t.Context(), runtime.Config{Store: store, Kinds: owner.kinds(), Feed: feed.Of(func(feed.Commit) {
		select {
		case news <- struct{}{}:
		default:
		}
	})})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := rt.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	stop, err := api.ServeOwner(db, api.New(api.Local(rt), api.Options{
		Door: api.Door{Trusted: true}, Store: store, Kinds: owner.kinds(), Compile: owner.compile, MaxBody: maxLocalBody,
	}), func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	until := func(stack string, ok func(*runtime.Status) bool) {
		t.Helper()
		for deadline := time.After(20 * time.Second); ; {
			s, err := rt.Status(t.Context(), stack)
			if err != nil {
				t.Fatal(err)
			}
			if ok(&s) {
				return
			}
			select {
			case <-news:
			case <-deadline:
				t.Fatalf("in vain: %+v", s)
			}
		}
	}

	other := &Program{
		Name: "other", Short: "Run graphs elsewhere", Long: "other runs graphs elsewhere.", Runner: "other work",
		Backend: &elsewhere{rt: rt, store: store},
		Commands: func(s *Shell) []*cobra.Command {
			return []*cobra.Command{{
				Use: "work", Short: "Run stacks", Args: Arguments(0, 0, "nothing"),
				RunE: func(cmd *cobra.Command, _ []string) error {
					return s.Through(cmd.Context(), func(c *api.Client) error {
						r, err := s.StartRequest(file, "worked", []string{"who=eve"}, nil)
						if err != nil {
							return err
						}
						started, err := c.Start(cmd.Context(), r)
						if err != nil {
							return err
						}
						return s.PrintJSON(map[string]any{"stack": started.Stack, "json": s.JSON()})
					})
				},
			}}
		},
	}
	say := func(p *Program, args ...string) (string, int) {
		var out, errs bytes.Buffer
		code := p.Run(t.Context(), args, strings.NewReader(""), &out, &errs)
		return out.String() + errs.String(), code
	}
	// same compares what both say, once names are the same.
	same := func(code int, plain []string, others ...string) string {
		t.Helper()
		want, wanted := say(&graphrun, append(slices.Clone(plain), "--db", db)...)
		got, gave := say(other, others...)
		if strings.Contains(got, "graphrun") || strings.Contains(got, db) {
			t.Errorf("%q names graphrun or its store:\n%s", others, got)
		}
		names := strings.NewReplacer("graphrun", "other", " --db "+db, "", "plain", "moved")
		want, got = names.Replace(want), names.Replace(got)
		if wanted != code || gave != code || want != got {
			t.Errorf("%q: exit codes %d and %d, expected %d\n%s", others, wanted, gave, code, cmp.Diff(want, got))
		}
		return got
	}
	// both tells one stack through each program; then both look at one of them.
	both := func(code int, command string, rest ...string) string {
		t.Helper()
		return same(code, append([]string{command, "plain"}, rest...), append([]string{command, "moved"}, rest...)...)
	}
	looks := func(what string) {
		t.Helper()
		for _, args := range [][]string{
			{"status", "moved"}, {"state", "moved"}, {"state", "moved", "--at", "0"}, {"explain", "moved"}, {"explain", "moved", "ask"},
			{"history", "moved"}, {"history", "moved", "--waves"}, {"trace", "moved"}, {"logs", "moved"}, {"ps"}, {"diff", "moved", "0", "1"}, {"eval", "moved", "state.last"},
		} {
			same(exitDone, args, args...)
			if args[0] != "trace" {
				args = append(args, "-o", "json")
				same(exitDone, args, args...)
			}
		}
		if t.Failed() {
			t.Fatal(what)
		}
	}

	same(exitDone, []string{"start", file, "--stack", "plain", "--param", "who=bob"}, "start", file, "--stack", "moved", "--param", "who=bob")
	// rests: nothing of the stack moves by itself.
	rests := func(s *runtime.Status) bool {
		return !s.Cursor.Open && s.Cursor.WakeAt.IsZero() && s.Cursor.Inbox == 0 && len(s.Cursor.Waiting) == 1
	}
	for _, stack := range []string{"plain", "moved"} {
		until(stack, rests)
	}
	looks("after start")
	if got, _ := say(other, "explain", "moved", "ask"); !strings.Contains(got, "`other approve moved ask`") {
		t.Errorf("the hint is for another program:\n%s", got)
	}
	both(exitDone, "pause")
	until("moved", func(s *runtime.Status) bool { return s.Cursor.Status == journal.Paused })
	looks("after pause")
	both(exitDone, "send", "mail", `["hi"]`, "--id", "1")
	both(exitDone, "send", "mail", `["hi"]`, "--id", "1", "-o", "json")
	both(exitDone, "resume", "-o", "json")
	until("moved", func(s *runtime.Status) bool {
		return s.Cursor.Status == journal.Running && s.Cursor.Counts.NodeRuns == 2 && rests(s)
	})
	looks("after resume")

	both(exitUsage, "send", "male", `["hi"]`)
	both(exitUsage, "approve", "sort")
	same(exitUsage, []string{"status", "nobody"}, "status", "nobody")
	broken := filepath.Join(dir, "broken.yaml")
	if err := os.WriteFile(broken, []byte(letters+"stopp: true\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	same(exitInvalid, []string{"start", broken}, "start", broken)
	if got, code := say(other, "start", "nothing"); code != exitUsage || got != "other: there is no file nothing, and no graph of that name is served (none is)\n" {
		t.Errorf("a graph that nobody has: %s (exit code %d)", got, code)
	}
	both(exitDone, "approve", "ask", "--comment", "now", "-o", "json")
	for _, stack := range []string{"plain", "moved"} {
		until(stack, func(s *runtime.Status) bool { return s.Cursor.Status == journal.Completed })
	}
	looks("after its end")

	if got, code := say(other, "work", "-o", "json"); code != exitDone || got != `{"json":true,"stack":"worked"}`+"\n" {
		t.Errorf("its own command says %s (exit code %d)", got, code)
	}
	for _, stack := range []string{"plain", "moved"} {
		say(other, "start", file, "--stack", stack+"-2")
	}
	same(exitDone, []string{"cancel", "plain-2", "--reason", "enough"}, "cancel", "moved-2", "--reason", "enough")
	same(exitDone, []string{"history", "moved-2"}, "history", "moved-2")
	if got, code := say(other, "status", "moved", "--place", "nowhere"); code != exitStore || got != "other: the place is not there\n" {
		t.Errorf("a backend that cannot be reached: %q, exit code %d", got, code)
	}
	for _, args := range [][]string{{"serve", dir}, {"ps", "--db", db}, {"backup", db}} {
		if got, code := say(other, args...); code != exitUsage {
			t.Errorf("%q: %s", args, got)
		}
	}
	if got, _ := say(other, "--help"); !strings.Contains(got, "  work ") || !strings.Contains(got, "--place NAME") || strings.Contains(got, "graphrun") || strings.Contains(got, groupStore) {
		t.Errorf("its help is\n%s", got)
	}
	a := &app{program: other, out: &dataWriter{w: io.Discard}, err: io.Discard}
	if err := newRoot(a).ParseFlags([]string{"--place", "over there"}); err != nil {
		t.Fatal(err)
	}
	if got := a.itself().answer("s", "n", "", ""); got != "other approve s n '--place=over there'" {
		t.Errorf("a hint that reaches the same place is %s", got)
	}
	for name := range pages {
		if got, code := say(other, "help", name); code == exitDone && strings.Contains(got, "graphrun ") {
			t.Errorf("the help of %s is\n%s", name, got)
		}
	}
}
