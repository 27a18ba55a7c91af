package runtime_test

import (
	"testing"
	"time"

	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

// Where the engine dies for another reason than its tasks, many long ones are at
// work again soon.
func TestSuspectsAreLetInFasterAndFaster(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Node("long", runtimetest.Takes(10*time.Hour, runtimetest.Returns(1)))
		start(k, def(k.T, `{"graphrun": 1, "name": "one",
			"pools": [{"name": "default", "parallel": 1000}],
			"nodes": [{"id": "long", "uses": "work", "for_each": {"in": "1..100", "as": "x"}}],
			"limits": {"cycles": 1}}`))
		k.Forward(time.Second)
		for range 2 {
			k.Crash()
			if _, err := k.Runtime.Recover(k.T.Context(), runtime.RecoverOptions{}); err != nil {
				t.Fatal(err)
			}
			k.Forward(time.Second)
		}
		before := 200 // that began in the two lives before
		for _, want := range []int{1, 3, 7, 15, 31, 63, 100, 100} {
			if got := len(k.Runs("long")) - before; got != want {
				t.Errorf("%d run, want %d", got, want)
			}
			k.Forward(time.Minute)
		}
		st, err := k.Runtime.Status(k.T.Context(), "one")
		if err != nil || len(st.Cursor.Parked) > 0 {
			t.Errorf("%d are parked (%v)", len(st.Cursor.Parked), err)
		}
	})
}
