package api_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
)

// TestRetry: a stack that has ended continues over the wire, and says by whose word and
// with which limits. Whatever else is asked for is refused, and changes nothing.
func TestRetry(t *testing.T) {
	t.Parallel()
	for _, rest := range []bool{false, true} {
		r := newRig(t)
		r.options.Rest = rest
		c := r.tcp(t)
		if _, err := r.rt.Start(t.Context(), counter(t), runtime.StartOptions{ID: "a", Rest: true}); err != nil {
			t.Fatal(err)
		}
		refused := func(what, stack string, in api.RetryRequest, want api.Code) {
			t.Helper()
			err := c.Retry(t.Context(), stack, in)
			if e := (*api.Error)(nil); !errors.As(err, &e) || e.Code != want {
				t.Errorf("%s: %v, want the code %s", what, err, want)
			}
		}
		refused("a stack that has not ended", "a", api.RetryRequest{}, api.CodeConflict)
		if err := c.Cancel(t.Context(), "a", api.CancelRequest{Reason: "enough"}); err != nil {
			t.Fatal(err)
		}
		refused("an unknown stack", "x", api.RetryRequest{}, api.CodeNotFound)
		refused("an unknown limit", "a", api.RetryRequest{Limits: api.Values{"waves": int64(1)}}, api.CodeUsage)
		refused("a limit of another type", "a", api.RetryRequest{Limits: api.Values{"cycles": "5"}}, api.CodeUsage)
		if st, err := c.Status(t.Context(), "a"); err != nil || st.Status != journal.Cancelled {
			t.Fatalf("%s: %v", st.Status, err)
		}
		if err := c.Retry(t.Context(), "a", api.RetryRequest{By: "me", Limits: api.Values{"cycles": int64(5), "duration": "1h"}}); err != nil {
			t.Fatal(err)
		}
		st, err := c.Status(t.Context(), "a")
		if err != nil || st.Status != journal.Running || st.Reason != "" || st.Driven == rest || st.Limits.String() != "cycles=5, duration=1h0m0s" {
			t.Errorf("rest %t: %+v, %v", rest, st, err)
		}
		var lines []string
		if err := c.Records(t.Context(), "a", api.Read{Types: []string{"stack.reopened"}, NoBulk: true}, func(line []byte) error {
			lines = append(lines, string(line))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if len(lines) != 1 || !strings.Contains(lines[0], `"by":"me","limits":{"cycles":5,"duration":"1h0m0s"}`) {
			t.Errorf("records: %q", lines)
		}
		refused("a stack that runs again", "a", api.RetryRequest{}, api.CodeConflict)
	}
}
