package house

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../..", path))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var adr = regexp.MustCompile(`\A# ([0-9]+)\. (.+)\n\nStatus: ((?:accepted|superseded by [0-9]+), 20[0-9-]{8}(?:, amended 20[0-9-]{8})?)\.\n\n## Context\n(?s:.+)\n## Decision\n(?s:.+)\n## Consequences\n`)

// TestDecisions: the pages of docs/adr have one form, and their index has them
// all.
func TestDecisions(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../docs/adr/[0-9]*.md")
	if err != nil || len(files) == 0 {
		t.Fatalf("no decisions: %v", err)
	}
	var want strings.Builder
	for i, file := range files {
		name := filepath.Base(file)
		m := adr.FindStringSubmatch(read(t, "docs/adr/"+name))
		if m == nil {
			t.Errorf("docs/adr/%s: want `# N. Title`, a line `Status: accepted, YYYY-MM-DD.` and the sections Context, Decision and Consequences", name)
			continue
		}
		if number := fmt.Sprintf("%04d-", i+1); !strings.HasPrefix(name, number) || m[1] != fmt.Sprint(i+1) {
			t.Errorf("docs/adr/%s is decision %s: want number %d", name, m[1], i+1)
		}
		fmt.Fprintf(&want, "| %s | [%s](%s) | %s |\n", m[1], m[2], name, m[3])
	}
	_, got, _ := strings.Cut(read(t, "docs/adr/README.md"), "| --- | --- | --- |\n")
	if got != want.String() {
		t.Errorf("the table of docs/adr/README.md is\n%s\nwant\n%s", got, &want)
	}
}

// TestOneVersion: the program and the changelog name the same version.
func TestOneVersion(t *testing.T) {
	t.Parallel()
	m := regexp.MustCompile(`(?m)^var version = "(.+)"$`).FindStringSubmatch(read(t, "internal/cli/version.go"))
	if m == nil {
		t.Fatal("internal/cli/version.go names no version")
	}
	if !regexp.MustCompile(`(?m)^## \[` + regexp.QuoteMeta(m[1]) + `\] - 20[0-9-]{8}$`).MatchString(read(t, "CHANGELOG.md")) {
		t.Errorf("CHANGELOG.md has no section for %s with its date", m[1])
	}
}
