package cli

import (
	"encoding/json"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/graphrun/graphrun/docs"
)

// TestLanguagePage: docs/llms.txt has at most 150 lines that a terminal shows, its graphs are
// valid without a warning, its tests pass, and its commands exist.
func TestLanguagePage(t *testing.T) {
	t.Parallel()
	lines := strings.Split(strings.TrimSuffix(docs.Language, "\n"), "\n")
	if len(lines) > 150 {
		t.Errorf("%d lines, expected at most 150", len(lines))
	}
	for i, line := range lines {
		if n := utf8.RuneCountInString(line); n > 110 {
			t.Errorf("line %d has %d characters, expected at most 110", i+1, n)
		}
	}
	p := &process{t: t, dir: t.TempDir()}
	var files []string
	named := regexp.MustCompile(`(?m)^name: (\S+)`)
	for _, b := range blocks(docs.Language) {
		file := "page.test.yaml"
		if m := named.FindStringSubmatch(b.text); m != nil {
			file = m[1] + ".graphrun.yaml"
		}
		p.write(file, b.text)
		files = append(files, file)
	}
	if len(files) != 3 {
		t.Fatalf("graphs and tests of the page: %q", files)
	}
	p.must(append([]string{"validate", "--strict"}, files...)...)
	if out := p.must("test"); !strings.Contains(out, "1 passed, 0 failed") {
		t.Error(out)
	}
	var report struct {
		Findings []struct{ Kind, Message string }
	}
	out, code := p.graphrun("explore", "review.graphrun.yaml", "-o", "json")
	if err := json.NewDecoder(strings.NewReader(out)).Decode(&report); err != nil || code != 0 {
		t.Errorf("exploring the first graph: exit code %d, %v\n%s", code, err, out)
	}
	for _, m := range regexp.MustCompile("(?m)(?:^|; |`)graphrun ([a-z]+)").FindAllStringSubmatch(docs.Language, -1) {
		if err := exec.CommandContext(t.Context(), "graphrun", m[1], "--help").Run(); err != nil {
			t.Errorf("the page names graphrun %s: %v", m[1], err)
		}
	}
}
