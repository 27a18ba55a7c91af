package fleet

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// member notes that it was asked to begin.
type member struct {
	name  string
	asked int
}

func (m *member) Name() string  { return m.name }
func (m *member) Fleet() string { return "g" }
func (m *member) Begin()        { m.asked++ }

// took lists the members that may begin, with the instants in seconds.
func took(f *Fleets, begin time.Time, all ...*member) (out []string) {
	for _, m := range all {
		if now, ok := f.Take(m); ok {
			out = append(out, m.name+" "+now.Sub(begin).String())
		}
	}
	slices.Sort(out)
	return out
}

func want(t *testing.T, got []string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("begun (-want +got):\n%s", diff)
	}
}

func TestMembersBeginTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var f Fleets
		begin := time.Now()
		a, b, c := &member{name: "a"}, &member{name: "b"}, &member{name: "c"}
		f.Halt()
		f.Report(a, Standing{Stage: Between})
		f.Report(b, Standing{Stage: Between})
		f.Report(c, Standing{Stage: Spent})
		want(t, took(&f, begin, a, b, c))
		f.Release()
		<-time.After(time.Second) // they take their time
		want(t, took(&f, begin, a, b, c), "a 0s", "b 0s")
		f.Report(a, Standing{Stage: Spent})
		if diff := cmp.Diff([]string{"b"}, f.Awaited(c)); diff != "" {
			t.Errorf("c waits for (-want +got):\n%s", diff)
		}
		f.Report(b, Standing{Stage: Spent})
		want(t, took(&f, begin, a, b, c), "a 1s", "b 1s", "c 1s")
		f.Report(a, Standing{Pausing, begin.Add(time.Minute)})
		f.Report(b, Standing{Pausing, begin.Add(2 * time.Minute)})
		f.Report(c, Standing{})
		<-time.After(time.Minute)
		want(t, took(&f, begin, a, b, c))
		f.Report(a, Standing{Pausing, begin.Add(time.Minute)})
		want(t, took(&f, begin, a, b, c), "a 1m1s", "b 1m1s")
	})
}

// A member that was chosen is taken for working, whatever it says before it begins.
func TestAMemberThatWasChosenIsFrozen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var f Fleets
		begin := time.Now()
		a, b := &member{name: "a"}, &member{name: "b"}
		f.Report(a, Standing{Stage: Between})
		if !f.Frozen(a) || f.Frozen(b) {
			t.Error("a was chosen, b was not")
		}
		f.Report(a, Standing{Stage: Between})
		f.Report(b, Standing{Stage: Between})
		if a.asked != 1 || b.asked != 0 {
			t.Errorf("asked to begin: a %d times, b %d times; want a once", a.asked, b.asked)
		}
		f.Report(a, Standing{}) // it was paused, and b may go
		<-time.After(time.Second)
		f.Report(a, Standing{Stage: Between}) // and continues
		want(t, took(&f, begin, a, b), "b 0s")
		f.Report(b, Standing{Stage: Between})
		want(t, took(&f, begin, a, b), "a 1s", "b 1s")
		if f.Frozen(a) {
			t.Error("a has begun")
		}
	})
}
