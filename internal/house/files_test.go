package house

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

type file struct{ path, text string }

// goFiles are all Go files of the module, paths from its root.
func goFiles(t *testing.T) []file {
	t.Helper()
	var files []file
	root := "../.."
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || (strings.HasPrefix(d.Name(), ".") && path != root)) {
			return filepath.SkipDir
		}
		if filepath.Ext(path) != ".go" {
			return nil
		}
		b, err := os.ReadFile(path)
		rel, _ := filepath.Rel(root, path)
		files = append(files, file{filepath.ToSlash(rel), string(b)})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestFileSizes(t *testing.T) {
	t.Parallel()
	for _, f := range goFiles(t) {
		if n := strings.Count(f.text, "\n"); n > 600 {
			t.Errorf("%s has %d lines: find the second idea in it (at most 600)", f.path, n)
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	vague := []string{"util", "utils", "common", "types", "models", "helpers", "misc"}
	for _, f := range goFiles(t) {
		for _, part := range strings.Split(strings.TrimSuffix(strings.TrimSuffix(f.path, ".go"), "_test"), "/") {
			if slices.Contains(vague, part) {
				t.Errorf("%s: %q says nothing of what is in it", f.path, part)
			}
		}
	}
}

func TestNothingUnfinished(t *testing.T) {
	t.Parallel()
	mark := regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X)\b`)
	for _, f := range goFiles(t) {
		if loc := mark.FindStringIndex(f.text); loc != nil {
			t.Errorf("%s: %q: finish it or say in the docs that it is not there", f.path, f.text[loc[0]:loc[1]])
		}
	}
}

// TestMachineAsksNoClock: what the import table cannot see.
func TestMachineAsksNoClock(t *testing.T) {
	t.Parallel()
	clock := regexp.MustCompile(`\btime\.(Now|Since|Until|Sleep|After|AfterFunc|NewTimer|NewTicker|Tick|Local)\b|\bgo func\b`)
	for _, f := range goFiles(t) {
		if strings.HasPrefix(f.path, "graph/") && !strings.HasSuffix(f.path, "_test.go") {
			if loc := clock.FindStringIndex(f.text); loc != nil {
				t.Errorf("%s: %s: what decides asks no clock and starts nothing", f.path, f.text[loc[0]:loc[1]])
			}
		}
	}
}

func TestNoTestSleeps(t *testing.T) {
	t.Parallel()
	sleep := "time." + "Sleep("
	for _, f := range goFiles(t) {
		if strings.HasSuffix(f.path, "_test.go") && strings.Contains(f.text, sleep) {
			t.Errorf("%s sleeps: use testing/synctest", f.path)
		}
	}
}

// atStart finds patterns that are compiled when the program starts.
var atStart = regexp.MustCompile(`(?m)^(var |\t)\w+\s*= regexp\.MustCompile\(`)

// TestNothingIsCompiledAtStart: a command that needs no pattern does not wait for one.
func TestNothingIsCompiledAtStart(t *testing.T) {
	t.Parallel()
	for _, f := range goFiles(t) {
		if strings.HasSuffix(f.path, "_test.go") || strings.HasPrefix(f.path, "bench/") {
			continue
		}
		if m := atStart.FindString(f.text); m != "" {
			t.Errorf("%s: %q: use late.Regexp", f.path, strings.TrimSpace(m))
		}
	}
}
