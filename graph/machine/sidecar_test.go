package machine

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestAMessageThatArrivesDuringACommit: the list is as long as what is being stored, and
// another one.
func TestAMessageThatArrivesDuringACommit(t *testing.T) {
	t.Parallel()
	message := func(id string) any { return (&Message{ID: id}).stored() }
	m := &Machine{outbox: restored(outboxName, []any{message("1"), message("2"), message("3")})}
	m.put(m.outbox, message("4"), 0)
	m.sidecarChanges(nil)
	m.sent("2")
	m.put(m.outbox, message("5"), 0)
	m.sidecarsStored()
	var ids []string
	for _, c := range m.sidecarChanges(nil) {
		if !c.Whole {
			t.Errorf("change %+v, want the whole list", c)
		}
		for _, e := range c.Value.([]any) {
			ids = append(ids, e.(map[string]any)["id"].(string))
		}
	}
	if diff := cmp.Diff([]string{"1", "3", "4", "5"}, ids); diff != "" {
		t.Errorf("messages in the next commit (-want +got):\n%s", diff)
	}
}
