package cli

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// TestDocsMigration: the table of docs/migration.md has the characters of the workflows
// below it, those of the other tool and those of the graph. UPDATE=1 writes it. TestDocs
// runs the graphs.
func TestDocsMigration(t *testing.T) {
	t.Parallel()
	const file = "../../docs/migration.md"
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	page := string(b)
	has, want := sizesOnPage(page), sizesOfWorkflows(t, page)
	if os.Getenv("UPDATE") != "" && has != want {
		if err := os.WriteFile(file, []byte(strings.Replace(page, has, want, 1)), 0o644); err != nil {
			t.Fatal(err)
		}
		has = want
	}
	if diff := cmp.Diff(want, has); diff != "" {
		t.Errorf("the table of %s is not true (-want +has; UPDATE=1 writes it)\n%s", file, diff)
	}
}

// sizesOnPage is the table of the page, the first one.
func sizesOnPage(page string) string {
	return regexp.MustCompile(`(?m)^\|(?:.*\n\|)*.*\n`).FindString(page)
}

// sizesOfWorkflows counts what each section has: its graphs, and the blocks that are
// neither files nor commands, which are the other tool's.
func sizesOfWorkflows(t *testing.T, page string) string {
	table := "| | characters there | characters here |\n| --- | ---: | ---: |\n"
	for _, section := range strings.Split(page, "\n## ")[1:] {
		name, _, _ := strings.Cut(section, "\n")
		there, here := 0, 0
		for _, b := range blocks(section) {
			switch {
			case strings.HasSuffix(b.file, ".graphrun.yaml"):
				here += utf8.RuneCountInString(b.text)
			case b.file == "" && b.language != "console":
				there += utf8.RuneCountInString(b.text)
			}
		}
		if there == 0 || here == 0 {
			t.Errorf("the section on %s lacks one of its sides", name)
		}
		table += fmt.Sprintf("| %s | %d | %d |\n", name, there, here)
	}
	return table
}
