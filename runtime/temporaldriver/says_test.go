package temporaldriver

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/internal/cli"
	"github.com/graphrun/graphrun/nodes/std"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
	"github.com/graphrun/graphrun/runtime/memstore"
)

// engine is a backend of the commands: stacks of an engine in this process.
type engine struct {
	api.Engine
	reader inspect.Reader
}

func (engine) Flags(*pflag.FlagSet) {}

func (e engine) Connect(_ context.Context, s *cli.Shell, _ bool) (*api.Client, error) {
	return s.Client(e.Engine, e.reader, func() error { return nil }), nil
}

// said runs a command over an engine, and gives what it wrote with its exit code.
func (e engine) said(t *testing.T, args ...string) string {
	t.Helper()
	p := cli.Program{Name: "program", Short: "Run graphs", Long: "program runs graphs.", Runner: "program work", Backend: e}
	var out bytes.Buffer
	code := p.Run(t.Context(), args, strings.NewReader(""), &out, &out)
	return out.String() + "exit code " + string(rune('0'+code)) + "\n"
}

// until waits until a stack stands in some way.
func (e engine) until(t *testing.T, stack string, holds func(*runtime.Status) bool) {
	t.Helper()
	for deadline := time.After(20 * time.Second); ; {
		st, err := e.Status(t.Context(), stack)
		if err != nil {
			t.Fatal(err)
		}
		if holds(&st) {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("in vain: %+v", st)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// chance is what two engines cannot have in common: times and nonces.
var chance = regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?|\b\d\d:\d\d:\d\d(\.\d+)?\b|("[a-z_]+_[mn]s":)\d+|("(?:nonce|id)":)"[^"]*"|(, id )[^\s,:]+|\b\d+(\.\d+)?(ns|µs|ms|s)\b`)

// TestSaysTheSame: the commands say the same of a stack on a cluster as of one of the embedded
// engine, at each point of its life.
func TestSaysTheSame(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "letters.yaml")
	if err := os.WriteFile(file, []byte(lettersGraph), 0o600); err != nil {
		t.Fatal(err)
	}
	o := Options{Kinds: std.Registry()}
	cl := newCluster(t, o).newClient()
	store := memstore.New()
	rt, err := runtime.Open(t.Context(), runtime.Config{Store: store, Kinds: o.Kinds})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := rt.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	engines := [2]engine{{api.Local(rt), store}, {cl, cl}}
	both := func(args ...string) {
		t.Helper()
		want, got := engines[0].said(t, args...), engines[1].said(t, args...)
		plain := func(s string) string { return chance.ReplaceAllString(s, "$4$5$6…") }
		if d := cmp.Diff(plain(want), plain(got)); d != "" {
			t.Errorf("%q (-embedded +Temporal):\n%s", args, d)
		}
	}
	looks := func(when string) {
		t.Helper()
		for _, args := range [][]string{
			{"status", "s"}, {"state", "s"}, {"state", "s", "--at", "0"}, {"explain", "s"}, {"explain", "s", "ask"}, {"explain", "s", "sort", "--cycle", "1"},
			{"history", "s"}, {"history", "s", "--waves"}, {"logs", "s"}, {"ps"}, {"ps", "--status", "running"}, {"diff", "s", "0", "1"}, {"eval", "s", "len(state.got)"},
		} {
			both(args...)
			both(append(args, "-o", "json")...)
		}
		both("trace", "s")
		if t.Failed() {
			t.Fatal(when)
		}
	}
	until := func(holds func(*runtime.Status) bool) {
		t.Helper()
		for _, e := range engines {
			e.until(t, "s", holds)
		}
	}
	rests := func(s *runtime.Status) bool {
		return !s.Cursor.Open && s.Cursor.WakeAt.IsZero() && s.Cursor.Inbox == 0 && len(s.Cursor.Waiting) == 1
	}

	for _, e := range engines {
		if got := e.said(t, "start", file, "--stack", "s", "--param", "who=bob"); got != "s: started (graph letters)\nexit code 0\n" {
			t.Fatal(got)
		}
	}
	until(rests)
	looks("after start")
	both("start", file, "--stack", "s")
	both("start", file, "--stack", "a/b")
	both("start", file, "--stack", "b", "--set", `sorted="x"`)
	both("pause", "s")
	until(func(s *runtime.Status) bool { return s.Cursor.Status == journal.Paused })
	looks("after pause")
	both("send", "s", "mail", `["hi"]`, "--id", "1")
	both("send", "s", "mail", `["hi"]`, "--id", "1", "-o", "json")
	both("send", "s", "note", `"a"`)
	both("send", "s", "note", `"b"`)
	both("send", "s", "mail", `7`)
	both("send", "s", "male")
	both("resume", "s", "-o", "json")
	until(func(s *runtime.Status) bool { return s.Cursor.Counts.NodeRuns == 2 && rests(s) })
	looks("after resume")
	both("approve", "s", "sort")
	both("approve", "s", "asked")
	both("status", "nobody")
	both("rm", "s")
	both("approve", "s", "ask", "--comment", "now", "-o", "json")
	until(func(s *runtime.Status) bool { return s.Cursor.Status.Ended() && !s.Driven })
	looks("after its end")
	both("approve", "s", "ask")
	both("cancel", "s")
	both("pause", "s")
	both("rm", "s", "-o", "json")
	both("ps")
	both("start", file, "--stack", "again")
	both("cancel", "again", "--reason", "enough")
	both("history", "again")
	both("cancel", "again")
}
