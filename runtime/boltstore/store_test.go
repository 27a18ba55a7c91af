package boltstore

import (
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/storetest"
)

func TestMain(m *testing.M) {
	if child() {
		return
	}
	goleak.VerifyTestMain(m)
}

func TestStore(t *testing.T) {
	t.Parallel()
	for _, d := range []runtime.Durability{runtime.DurabilityWave, runtime.DurabilityCycle} {
		t.Run(string(d), func(t *testing.T) {
			t.Parallel()
			open := func(t testing.TB) runtime.Store {
				return openAt(t, filepath.Join(t.TempDir(), "sub", "graphrun.db"), Options{Durability: d})
			}
			reopen := func(t testing.TB, s runtime.Store) runtime.Store {
				path := s.(*Store).Path()
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				if report, err := Check(ctx, path); err != nil || len(report.Problems) > 0 {
					t.Fatal(report.Problems, err)
				}
				return openAt(t, path, Options{Durability: d})
			}
			storetest.Run(t, open, reopen)
		})
	}
}

// openAt opens a store and closes it with the test.
func openAt(t testing.TB, path string, opts Options) *Store {
	t.Helper()
	s, err := Open(path, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func stacks(s *Store) (list []runtime.Summary, err error) {
	err = s.Stacks(ctx, func(sum runtime.Summary) error {
		list = append(list, sum)
		return nil
	})
	return list, err
}
