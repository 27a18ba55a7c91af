package explore

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// One seed gives the same report and the same tests, whatever the number of workers and
// however the exploration is cut into rounds; and another seed explores other stacks.
func TestSameSeedSameReport(t *testing.T) {
	t.Parallel()
	p := readPlanted(t, filepath.Join("testdata", "stuck-after-failure.txt"))
	report := func(o Options, rounds int) (string, []File) {
		x, err := New(p.faulty, o)
		if err != nil {
			t.Fatal(err)
		}
		r := x.Explore(func() bool { rounds--; return rounds == 0 })
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		return string(b), r.Files
	}
	one, files := report(Options{Stacks: 150, Seed: 5}, 0)
	if len(files) != 1 || files[0].Name != "stuck-after-failure.stuck.test.yaml" {
		t.Errorf("files %+v", files)
	}
	for name, o := range map[string]Options{
		"again":         {Stacks: 150, Seed: 5},
		"three workers": {Stacks: 150, Seed: 5, Workers: 3, Parallel: parallel},
	} {
		if got, _ := report(o, 0); got != one {
			t.Errorf("%s: %s", name, cmp.Diff(one, got))
		}
	}
	if got, _ := report(Options{Stacks: 1000, Seed: 5}, 3); got != one {
		t.Errorf("stopped after 150 stacks: %s", cmp.Diff(one, got))
	}
	if got, _ := report(Options{Stacks: 150, Seed: 6}, 0); got == one {
		t.Error("another seed gives the same report")
	}
}
