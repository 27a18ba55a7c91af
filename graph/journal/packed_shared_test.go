package journal

import (
	"reflect"
	"sync"
	"testing"
)

// Records and cursors are packed while others read them: the race detector finds a write.
func TestPackingOnlyReads(t *testing.T) {
	t.Parallel()
	list := sequence(everyFilled()...)
	var at Cursor
	filled(reflect.ValueOf(&at).Elem())
	shape := testShape()
	var wg sync.WaitGroup
	packed := make([][]byte, 4)
	for i := range packed {
		wg.Go(func() {
			var p Packer
			packed[i] = p.Records(nil, list, shape, nil)
			packed[i] = p.Cursor(packed[i], &at)
		})
	}
	wg.Wait()
	for _, b := range packed[1:] {
		if string(b) != string(packed[0]) {
			t.Error("the same is packed differently")
		}
	}
}
