package runtime_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

// receiver is whom hooks tell. It refuses while it is down.
type receiver struct {
	mu   sync.Mutex
	down bool
	all  []posted
}

type posted struct {
	runtime.Notice
	at time.Time
	ok bool
}

func (r *receiver) post(_ context.Context, n runtime.Notice) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, posted{n, time.Now(), !r.down})
	if r.down {
		return errors.New("503 Service Unavailable")
	}
	return nil
}

// taken is what was posted so far.
func (r *receiver) taken() []posted {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.all)
}

func (r *receiver) set(down bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down = down
}

// told lists what was accepted, in its order.
func (r *receiver) told() (events []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.all {
		if p.ok {
			events = append(events, p.Event+" "+p.URL)
		}
	}
	return events
}

// tries lists when the tries of the first notice were made, after the first one.
func (r *receiver) tries() (after []time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.all {
		if p.ID == r.all[0].ID {
			after = append(after, p.at.Sub(r.all[0].at))
		}
	}
	return after
}

const told = `{"graphrun": 1, "name": "told", "secrets": ["KEY"],
	"hooks": [{"url": "https://one.example/x", "secret": "KEY", "on": ["node.waiting", "stack.ended"]}],
	"nodes": [{"id": "a", "uses": "work"}, {"id": "ask", "uses": "approval", "with": {"prompt": "go on?"}}],
	"edges": [{"to": ["ask"]}, {"to": ["a"]}], "limits": {"cycles": 2}, "pause": {"set": true, "active": 3600000000000}}`

// listens gives the runtime of a kit a receiver, which also hears of all graphs.
func listens(k *runtimetest.Kit) *receiver {
	r := &receiver{}
	k.Config.Secret = func(string) (string, bool) { return "hush", true }
	k.Config.Notices = runtime.Notices{Post: r.post, Hooks: []graph.Hook{{URL: "https://all.example/", Secret: "ALL"}}}
	k.Reopen()
	return r
}

// TestNotices: a hook hears what it wants to hear, once, with all that it needs.
func TestNotices(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		r := listens(k)
		k.Node("a", runtimetest.Returns(nil), runtimetest.Fails("error", "no"))
		start(k, def(k.T, told))
		k.Forward(time.Second)
		k.Forward(3 * time.Hour)
		got := r.told()
		slices.Sort(got)
		want := []string{"cycle.failed https://all.example/", "node.waiting https://all.example/", "node.waiting https://one.example/x",
			"stack.ended https://all.example/", "stack.ended https://one.example/x"}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("(-want +got)\n%s", d)
		}
		for _, p := range r.taken() {
			var body map[string]any
			if err := json.Unmarshal(p.Body, &body); err != nil || body["id"] != p.ID || body["type"] != p.Event || body["stack"] != "told" {
				t.Errorf("the body is %s: %v", p.Body, err)
			}
			if p.Event == "node.waiting" && (body["prompt"] != "go on?" || body["node"] != "ask") {
				t.Errorf("the body is %s", p.Body)
			}
			if p.Event == "stack.ended" && body["status"] != "failed" {
				t.Errorf("the body is %s", p.Body)
			}
		}
		if sum, err := k.Store.Stack(k.T.Context(), "told"); err != nil || sum.Cursor.Outbox != 0 {
			t.Errorf("%d notices are left: %v", sum.Cursor.Outbox, err)
		}
	})
}

// TestNoticeIsTriedAgain after 1, 2, 4, … seconds up to 5 minutes, with the same id and body, and
// given up after 24 hours.
func TestNoticeIsTriedAgain(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		r := listens(k)
		k.Config.Notices.Hooks = nil
		k.Reopen()
		r.set(true)
		k.Node("a", runtimetest.Returns(nil))
		start(k, def(k.T, told))
		k.Forward(20 * time.Minute)
		s := time.Second
		want := []time.Duration{0, 1 * s, 3 * s, 7 * s, 15 * s, 31 * s, 63 * s, 127 * s, 255 * s, 511 * s, 811 * s, 1111 * s}
		if d := cmp.Diff(want, r.tries()); d != "" {
			t.Errorf("(-want +got)\n%s", d)
		}
		all := r.taken()
		for _, p := range all {
			if p.Event == all[0].Event && (p.ID != all[0].ID || string(p.Body) != string(all[0].Body)) {
				t.Errorf("another try is another notice: %+v", p)
			}
		}
		k.Forward(30 * time.Hour)
		n := len(r.tries())
		k.Forward(10 * time.Hour)
		if len(r.tries()) != n || r.tries()[n-1] < 24*time.Hour || r.tries()[n-1] > 24*time.Hour+5*time.Minute {
			t.Errorf("the last of %d tries was after %s", n, r.tries()[n-1])
		}
	})
}

// TestNoticesOutliveCrashes: what was not delivered is, also of a stack that has ended.
func TestNoticesOutliveCrashes(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		r := listens(k)
		r.set(true)
		k.Node("a", runtimetest.Returns(nil))
		s := start(k, def(k.T, told))
		k.Forward(time.Second)
		k.Crash()
		if _, err := k.Runtime.Recover(k.T.Context(), runtime.RecoverOptions{}); err != nil {
			t.Fatal(err)
		}
		k.Forward(time.Second)
		if len(r.told()) != 0 {
			t.Fatalf("told %v", r.told())
		}
		if err := k.Runtime.Cancel(k.T.Context(), s.ID(), "enough"); err != nil {
			t.Fatal(err)
		}
		k.Crash()
		r.set(false)
		if _, err := k.Runtime.Recover(k.T.Context(), runtime.RecoverOptions{}); err != nil {
			t.Fatal(err)
		}
		k.Forward(time.Second)
		got := r.told()
		slices.Sort(got)
		want := []string{"node.waiting https://all.example/", "node.waiting https://one.example/x", "stack.ended https://all.example/", "stack.ended https://one.example/x"}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("(-want +got)\n%s", d)
		}
		if sum, err := k.Store.Stack(k.T.Context(), "told"); err != nil || sum.Cursor.Outbox != 0 {
			t.Errorf("%d notices are left: %v", sum.Cursor.Outbox, err)
		}
	})
}
