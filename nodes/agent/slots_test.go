package agent

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/schema"
)

// TestCallsTakeSlots: one call works in the attempt's own slot, the others take free
// ones, and what finds none queues behind.
func TestCallsTakeSlots(t *testing.T) {
	t.Parallel()
	for free, want := range map[int]time.Duration{0: 5 * time.Second, 1: 3 * time.Second, 2: 2 * time.Second, 9: time.Second} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, map[string]any{"tools": []any{"work"}},
				calls(call("1", "work"), call("2", "work"), call("3", "work"), call("4", "work"), call("5", "work")), text("ok"))
			r.tool("work", nil, graph.EffectsNone, nil, func(context.Context, any) (any, error) {
				<-time.After(time.Second)
				return nil, nil
			})
			slots := make(chan struct{}, free)
			var mu sync.Mutex
			taken := 0
			r.task.Slot = func(ctx context.Context) (func(), error) {
				select {
				case slots <- struct{}{}:
					mu.Lock()
					taken++
					mu.Unlock()
					return func() { <-slots }, nil
				case <-ctx.Done():
					return nil, context.Cause(ctx)
				}
			}
			began := time.Now()
			r.must()
			if took := time.Since(began); took != want {
				t.Errorf("%d free: took %v, want %v", free, took, want)
			}
			if len(slots) != 0 || len(r.called) != 5 {
				t.Errorf("%d free: %d slots were not given back, %d calls", free, len(slots), len(r.called))
			}
		})
	}
}

// TestTimeoutOfTheNode: an attempt that ends while it asks or calls records nothing more.
func TestTimeoutOfTheNode(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := text("ok")
		slow.delay = time.Minute
		var r *rig
		slow.check = func(*Request) {
			die := r.die
			time.AfterFunc(time.Second, func() { die(errors.New("timeout")) })
		}
		r = newRig(t, map[string]any{"tools": []any{"work"}}, calls(call("1", "work"), call("2", "work")), slow)
		r.tool("work", nil, graph.EffectsNone, nil, nil)
		_, e := r.run()
		if e == nil || r.stepNames() != "model:a/m, tool:work, tool:work" {
			t.Errorf("%v: %s", e, r.stepNames())
		}
		r.replies["a"] = []reply{text("ok")}
		r.must()
	})
}

// embedder is a Model that makes vectors.
type embedder struct {
	scripted
	fails int
	asked [][]string
}

func (m *embedder) Embed(_ context.Context, model string, texts []string) ([][]float32, Usage, error) {
	m.asked = append(m.asked, texts)
	if m.fails > 0 {
		m.fails--
		return nil, Usage{}, &Error{Status: 503, Message: "busy"}
	}
	return make([][]float32, len(texts)), Usage{Input: 100, Reported: true}, nil
}

// TestEmbed: vectors are asked for as answers are: three tries, within the rates.
func TestEmbed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, map[string]any{})
		m := &embedder{fails: 2}
		if err := r.agents.Register("vectors", func(ProviderConfig) (Model, error) { return m, nil }); err != nil {
			t.Fatal(err)
		}
		r.task.Of.Providers[0] = graph.Provider{Name: "a", API: "vectors", Rate: 1, RatePer: 10 * time.Second}
		r.task.Retry.Backoff = time.Second
		began := time.Now()
		v, err := r.agents.Embed(t.Context(), r.task, "a/e", []string{"x", "y"})
		if err != nil || len(v) != 2 || len(m.asked) != 3 {
			t.Fatalf("%v %v %v", v, err, m.asked)
		}
		if took := time.Since(began).Round(time.Millisecond); took != 20*time.Second {
			t.Errorf("took %v", took)
		}
		m.fails = 3
		if _, err := r.agents.Embed(t.Context(), r.task, "a/e", []string{"x"}); err == nil || asNodes(err).Kind != "model" || !strings.Contains(err.Error(), "a/e: busy") {
			t.Errorf("got %v", err)
		}
		if _, err := r.agents.Embed(t.Context(), r.task, "b/e", []string{"x"}); err == nil || !strings.Contains(err.Error(), "makes no vectors") {
			t.Errorf("got %v", err)
		}
	})
}

// TestToolSpecs: a model sees plain JSON Schema.
func TestToolSpecs(t *testing.T) {
	t.Parallel()
	r := newRig(t, map[string]any{"tools": []any{"a", "b"}}, text("ok"))
	r.tool("a", argsType(prop("x", schema.IntegerType)), graph.EffectsNone, nil, nil)
	r.tool("b", schema.AnyType, graph.EffectsNone, nil, nil)
	r.must()
	if got := r.asked[0].Tools[0].Args["required"]; got == nil {
		t.Error(r.asked[0].Tools[0])
	}
	if got := r.asked[0].Tools[1].Args["type"]; got != "object" {
		t.Error(r.asked[0].Tools[1])
	}
}
