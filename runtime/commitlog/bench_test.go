package commitlog

import (
	"fmt"
	"slices"
	"testing"
)

// A group of frames, as the commits of many stacks are: bytes and allocations of all of it.
func BenchmarkAppend(b *testing.B) {
	for _, frames := range []int{1, 64, 600} {
		for _, sync := range []bool{false, true} {
			b.Run(fmt.Sprintf("frames=%d/sync=%v", frames, sync), func(b *testing.B) {
				o := Options{Path: b.TempDir() + "/x.db", Store: "store"}
				l := begun(b, o)
				group := slices.Repeat([][]byte{make([]byte, 300)}, frames)
				b.SetBytes(int64(frames) * (frameSize + 300))
				b.ReportAllocs()
				for b.Loop() {
					if err := l.Append(group, sync); err != nil {
						b.Fatal(err)
					}
					if l.Size() > 16<<20 {
						epoch, _, err := l.Rotate()
						if err == nil {
							err = l.Release(epoch)
						}
						if err != nil {
							b.Fatal(err)
						}
					}
				}
			})
		}
	}
}

// What recovery costs for a whole segment of 16 MiB.
func BenchmarkRecover(b *testing.B) {
	o := Options{Path: b.TempDir() + "/x.db", Store: "store"}
	l := begun(b, o)
	group := slices.Repeat([][]byte{make([]byte, 300)}, 600)
	for l.Size() < 16<<20 {
		if err := l.Append(group, false); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(l.Size())
	b.ReportAllocs()
	for b.Loop() {
		if r, err := Recover(o, l.Mark(), func([]byte) error { return nil }); err != nil || r.Frames == 0 {
			b.Fatalf("%d frames, %v", r.Frames, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N)/(float64(l.Size())/(1<<20)), "ms/MiB")
}

func begun(t testing.TB, o Options) *Log {
	t.Helper()
	m := Mark{Clean: true}
	r, err := Recover(o, m, nil)
	if err != nil {
		t.Fatal(err)
	}
	l, err := Start(o, m, r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close(false) })
	return l
}

// No frame costs an allocation. (A parallel test cannot count them.)
func TestAppendAllocatesNothing(t *testing.T) {
	l := begun(t, Options{Path: t.TempDir() + "/x.db", Store: "store"})
	group := slices.Repeat([][]byte{make([]byte, 300)}, 100)
	allocs := testing.AllocsPerRun(100, func() {
		if err := l.Append(group, false); err != nil {
			t.Fatal(err)
		}
	})
	if allocs >= 1 {
		t.Errorf("a group of 100 frames makes %v allocations", allocs)
	}
}
