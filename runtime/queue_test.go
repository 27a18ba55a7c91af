package runtime_test

import (
	"errors"
	"testing"
	"time"

	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

// TestFullQueue: a full queue refuses an event, and a node that sends there fails.
func TestFullQueue(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		queue := def(k.T, `{"graphrun": 1, "name": "queue", "pause": {"set": true, "none": true},
			"state": [{"name": "n", "type": "integer"}], "events": [{"name": "e", "queue": 2, "type": "integer"}],
			"nodes": [{"id": "a", "uses": "set"}], "edges": [{"to": ["a"], "when": "cycle.number == 1"}]}`)
		k.Start(k.Compile(queue), runtime.StartOptions{})
		k.Forward(time.Second)
		send := func(v any) error {
			_, err := k.Runtime.Send(k.T.Context(), runtime.Send{Stack: "queue", Event: "e", Payload: v})
			return err
		}
		if err := errors.Join(send(1), send(2)); err != nil {
			k.T.Fatal(err)
		}
		var full *machine.QueueFullError
		if err := send(3); !errors.As(err, &full) {
			k.T.Errorf("a full queue gives %v", err)
		}
		sender := def(k.T, `{"graphrun": 1, "name": "sender", "pause": {"set": true, "none": true}, "limits": {"cycles": 1},
			"nodes": [{"id": "s", "uses": "send", "with": {"to": "queue", "event": "e", "payload": 4}}]}`)
		k.Start(k.Compile(sender), runtime.StartOptions{})
		k.Forward(time.Second)
		st, err := k.Runtime.Status(k.T.Context(), "sender")
		if err != nil {
			k.T.Fatal(err)
		}
		if e := st.LastError; e == nil || e.Error.Kind != "limit" {
			k.T.Errorf("the node that sends fails with %+v", e)
		}
		st, err = k.Runtime.Status(k.T.Context(), "queue")
		if err != nil || len(st.Cursor.Queued) != 1 || st.Cursor.Queued[0].N != 2 {
			k.T.Errorf("queued %+v, %v", st.Cursor.Queued, err)
		}
	})
}
