package api_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
)

// TestFork: a fork is made over the wire, and runs where stacks are driven. What is wrong
// with a request is said with a code, and leaves no stack.
func TestFork(t *testing.T) {
	t.Parallel()
	for _, rest := range []bool{false, true} {
		r := newRig(t)
		r.options.Rest = rest
		c := r.tcp(t)
		if _, err := r.rt.Start(t.Context(), counter(t), runtime.StartOptions{ID: "a", Rest: true}); err != nil {
			t.Fatal(err)
		}
		s, err := c.Fork(t.Context(), "a", api.ForkRequest{At: "0", As: "b", Set: api.Values{"n": int64(7)}})
		if err != nil || s.Stack != "b" || s.Graph != "counter" || s.Driven == rest {
			t.Errorf("rest %t: %+v, %v", rest, s, err)
		}
		for what, try := range map[string]struct {
			stack string
			in    api.ForkRequest
			want  api.Code
		}{
			"an unknown stack":           {"x", api.ForkRequest{At: "0", As: "c"}, api.CodeNotFound},
			"no moment":                  {"a", api.ForkRequest{At: "x", As: "c"}, api.CodeUsage},
			"a moment that is not there": {"a", api.ForkRequest{At: "9", As: "c"}, api.CodeUsage},
			"no id":                      {"a", api.ForkRequest{At: "0"}, api.CodeUsage},
			"a bad id":                   {"a", api.ForkRequest{At: "0", As: "c/d"}, api.CodeUsage},
			"an id that is taken":        {"a", api.ForkRequest{At: "0", As: "b"}, api.CodeExists},
			"an unknown key":             {"a", api.ForkRequest{At: "0", As: "c", Set: api.Values{"m": int64(1)}}, api.CodeUsage},
			"another type":               {"a", api.ForkRequest{At: "0", As: "c", Set: api.Values{"n": "x"}}, api.CodeUsage},
		} {
			_, err := c.Fork(t.Context(), try.stack, try.in)
			if e := (*api.Error)(nil); !errors.As(err, &e) || e.Code != try.want {
				t.Errorf("%s: %v, want the code %s", what, err, try.want)
			}
		}
		if _, err := c.Status(t.Context(), "c"); !errors.Is(err, runtime.ErrNotFound) {
			t.Errorf("a stack is left: %v", err)
		}
		first := ""
		if err := c.Records(t.Context(), "b", api.Read{}, func(line []byte) error {
			if first == "" {
				first = string(line)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if rec, err := journal.ParseRecord([]byte(first)); err != nil || rec.Stack != "b" || !strings.Contains(first, `"from":{"stack":"a","cycle":0,"wave":0}`) {
			t.Errorf("the first record is %s (%v)", first, err)
		}
	}
}
