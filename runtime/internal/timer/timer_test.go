package timer

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestHeap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var h Heap
		begin := time.Now()
		var mu sync.Mutex
		var got []string
		heard := func() []string {
			mu.Lock()
			defer mu.Unlock()
			return got
		}
		at := func(s int, name string) *Timer {
			return h.At(begin.Add(time.Duration(s)*time.Second), func() {
				mu.Lock()
				defer mu.Unlock()
				got = append(got, fmt.Sprint(time.Since(begin), " ", name))
			})
		}
		at(3, "c")
		dropped := at(1, "dropped")
		at(2, "b")
		at(-1, "late")
		h.Stop(dropped)
		h.Stop(dropped)
		h.Stop(nil)
		<-time.After(2500 * time.Millisecond)
		synctest.Wait()
		if diff := cmp.Diff([]string{"0s late", "2s b"}, heard()); diff != "" {
			t.Errorf("called (-want +got):\n%s", diff)
		}
		h.Close()
		at(4, "after Close")
		<-time.After(time.Minute)
		if got := heard(); len(got) != 2 {
			t.Errorf("a closed heap called %v", got[2:])
		}
	})
}
