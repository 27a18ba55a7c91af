package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
)

// TestATaskLineSaysWhatItIsBehind with the element of that task.
func TestATaskLineSaysWhatItIsBehind(t *testing.T) {
	t.Parallel()
	task := api.Task{Node: "b", State: runtime.TaskQueued, Since: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Behind: &api.Behind{Stack: "s", Node: "a", Item: "a/b"}}
	if got, want := new(app).taskLine(task), `, behind s a["a/b"]`; !strings.HasSuffix(got, want) {
		t.Errorf("%q does not end with %q", got, want)
	}
}
