package graphs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/memstore"
)

// TestPipeline is what is left on disk: a report however it ends, and a package only when
// all tests pass.
func TestPipeline(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		expected string // of the test de-plain
		ends     journal.Status
		want     map[string]string
	}{
		"all tests pass": {"Hallo, Ada!\n", journal.Completed, map[string]string{
			"report.txt": "The pipeline completed. Package: dist/greet-2678120940.sh.\n6 of 6 tests passed. Long lines: 1.",
		}},
		"a test fails": {"Hallo, Eve!\n", journal.Failed, map[string]string{
			"report.txt": "The pipeline failed. Package: none.\n5 of 6 tests passed. Long lines: 1.",
		}},
		"a test cannot run": {"", journal.Failed, map[string]string{
			"report.txt": "The pipeline failed. Package: none.\n0 of 0 tests passed. Long lines: 1.",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := folderOf(t, "pipeline")
			file := filepath.Join(dir, "project/expected/de-plain.txt")
			if err := os.WriteFile(file, []byte(tc.expected), 0o644); err != nil {
				t.Fatal(err)
			}
			if tc.expected == "" {
				if err := os.Remove(file); err != nil {
					t.Fatal(err)
				}
			}
			src := load(t, dir, "pipeline", kindsOf{})
			synctest.Test(t, func(t *testing.T) { run(t, src, newKinds(t, kindsOf{}), options{ends: tc.ends}, nil) })
			if diff := cmp.Diff(tc.want, textsIn(t, dir, "report.txt")); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if got := len(textsIn(t, dir, "dist/*")); (got == 1) != (tc.ends == journal.Completed) {
				t.Errorf("there are %d packages", got)
			}
		})
	}
}

// customers send orders, and three people say what they think of large ones.
func customers(t *testing.T, rt *runtime.Runtime, store *memstore.Store) {
	send := func(event string, payload any) {
		t.Helper()
		synctest.Wait()
		if _, err := rt.Send(t.Context(), runtime.Send{Stack: "orders", Event: event, Payload: payload}); err != nil {
			t.Fatal(err)
		}
	}
	order := func(id, item string, total float64) {
		t.Helper()
		send("order", map[string]any{"id": id, "item": item, "total": total})
	}
	say := func(order, person string, approved bool) {
		t.Helper()
		<-time.After(3 * time.Second)
		synctest.Wait()
		in, spot, err := inspect.Locate(t.Context(), store, "orders", journal.Place{{Node: "handle", Item: order}, {Node: "ask", Item: person}}, false)
		if err != nil {
			t.Fatal(err)
		}
		word := map[string]any{"approved": approved, "comment": nil, "by": person}
		if err := rt.AnswerWith(t.Context(), in, spot.Node, runtime.AnswerOptions{Item: spot.Item, Output: word}); err != nil {
			t.Fatal(err)
		}
	}
	order("A-1", "desk lamp", 290)
	order("A-2", "bulb", 3) // while people think about the first
	order("A-3", "chandelier", 9000)
	send("close", true) // not before what came earlier
	say("A-1", "ann", true)
	say("A-1", "cleo", true) // bob is asked no more
	say("A-3", "bob", false)
	say("A-3", "ann", true)
	say("A-3", "cleo", false)
}

// TestOrders is what is shipped: what is small, and what two people want.
func TestOrders(t *testing.T) {
	t.Parallel()
	dir := folderOf(t, "orders")
	src := load(t, dir, "orders", kindsOf{})
	synctest.Test(t, func(t *testing.T) { run(t, src, newKinds(t, kindsOf{}), options{}, customers) })
	want := map[string]string{"shipped/A-1.txt": "desk lamp", "shipped/A-2.txt": "bulb"}
	if diff := cmp.Diff(want, textsIn(t, dir, "shipped/*")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// bookkeepers close the inbox when all that was in it at first is read.
func bookkeepers(t *testing.T, rt *runtime.Runtime, _ *memstore.Store) {
	<-time.After(time.Minute)
	synctest.Wait()
	if _, err := rt.Send(t.Context(), runtime.Send{Stack: "inbox", Event: "close", Payload: true}); err != nil {
		t.Fatal(err)
	}
}

// TestInbox is the ledger after files came and one was put right.
func TestInbox(t *testing.T) {
	t.Parallel()
	dir := folderOf(t, "inbox")
	put := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "inbox", name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	ledger := func(want string) {
		t.Helper()
		if diff := cmp.Diff(map[string]string{"ledger.txt": want}, textsIn(t, dir, "ledger.txt")); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
	src := load(t, dir, "inbox", kindsOf{})
	synctest.Test(t, func(t *testing.T) {
		run(t, src, newKinds(t, kindsOf{}), options{}, func(t *testing.T, rt *runtime.Runtime, store *memstore.Store) {
			<-time.After(time.Minute)
			synctest.Wait()
			ledger("inbox/lamps.csv: exit status 1: line 2 is no amount\ninbox/stationer.csv: 6150\ntotal: 6150")
			put("lamps.csv", "bulbs,990\nsockets,1010\n")
			put("carrier.csv", "parcels,700\n")
			put("notes.txt", "no invoice")
			bookkeepers(t, rt, store)
		})
	})
	ledger("inbox/lamps.csv: 2000\ninbox/stationer.csv: 6150\ninbox/carrier.csv: 700\ntotal: 8850")
}

// textsIn are the texts of the files that match, without blanks around them.
func textsIn(t *testing.T, dir, pattern string) map[string]string {
	t.Helper()
	names, err := fs.Glob(os.DirFS(dir), pattern)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, name := range names {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		got[name] = strings.TrimSpace(string(b))
	}
	return got
}
