package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/nodes/std"
)

// TestDocs executes every example of README.md and docs/: each page in a folder
// of its own, with the example graphs and the files of testdata/docs beside it.
//
//   - a ```yaml block that begins with `graphrun:` or a comment before it is a
//     whole graph and must be valid; with the line `<!-- file: NAME -->` before
//     it, it is written there first, and may be broken on purpose when a
//     `validate` of it follows
//   - in a ```console block, lines after `$ ` are commands, the rest is what
//     they print; a line `…` stands for any lines
func TestDocs(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range append(pages, "../../README.md") {
		t.Run(filepath.Base(page), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			if err := os.CopyFS(filepath.Join(dir, "graphs"), os.DirFS("../../graphs")); err != nil {
				t.Fatal(err)
			}
			if err := os.CopyFS(dir, os.DirFS("testdata/docs")); err != nil {
				t.Fatal(err)
			}
			for _, b := range blocks(string(text)) {
				switch {
				case filepath.Base(page) == "checks.md":
					// broken on purpose: package dsl runs them all
				case b.language == "yaml":
					checkYAML(t, dir, b)
				case b.language == "console":
					checkConsole(t, dir, b)
				}
			}
		})
	}
}

// block is one fenced block of a page.
type block struct {
	language, file, text string
}

var (
	fence    = regexp.MustCompile("(?ms)^(?:<!-- file: ([^ ]+) -->\n)?```([a-z]+)\n(.*?)^```$")
	duration = regexp.MustCompile(`\b([0-9]+h)?([0-9]+m)?[0-9]+(\.[0-9]+)?(µs|ms|s)\b|\b([0-9]+h)?[0-9]+m\b|\b[0-9]+h\b`)
	moment   = regexp.MustCompile(`\b20[0-9]{2}-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9] [+-][0-9]{4}`)
)

func blocks(page string) []block {
	var all []block
	for _, m := range fence.FindAllStringSubmatch(page, -1) {
		all = append(all, block{file: m[1], language: m[2], text: m[3]})
	}
	return all
}

var wholeGraph = regexp.MustCompile(`(?m)^graphrun: 1`)

func checkYAML(t *testing.T, dir string, b block) {
	t.Helper()
	if b.file != "" {
		if err := os.WriteFile(filepath.Join(dir, b.file), []byte(b.text), 0o600); err != nil {
			t.Fatal(err)
		}
		return // the console block that follows says what becomes of it
	}
	if !wholeGraph.MatchString(b.text) {
		return
	}
	file := filepath.Join(dir, "example.graphrun.yaml")
	if err := os.WriteFile(file, []byte(b.text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, problems := dsl.Load(file, std.Registry()); problems.HasErrors() {
		t.Errorf("an example is not valid:\n%v\n%s", problems, b.text)
	}
}

func checkConsole(t *testing.T, dir string, b block) {
	t.Helper()
	for _, part := range strings.Split("\n"+b.text, "\n$ ")[1:] {
		command, want, _ := strings.Cut(part, "\n")
		command = strings.ReplaceAll(command, "go run ./cmd/graphrun", "graphrun")
		cmd := exec.CommandContext(t.Context(), "sh", "-c", command)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "NO_COLOR=1")
		out, err := cmd.CombinedOutput()
		if err != nil && cmd.ProcessState == nil {
			t.Fatal(err)
		}
		if !matches(plainOutput(want), plainOutput(string(out))) {
			t.Errorf("$ %s\n(-page +output)\n%s", command, cmp.Diff(plainOutput(want), plainOutput(string(out))))
		}
	}
}

// plainOutput hides what differs from run to run: how long things took, and when.
func plainOutput(s string) string {
	return strings.TrimSpace(moment.ReplaceAllString(duration.ReplaceAllString(s, "TIME"), "MOMENT"))
}

// matches compares line by line; a line `…` of want stands for any lines.
func matches(want, got string) bool {
	var pattern strings.Builder
	pattern.WriteString(`\A`)
	for i, line := range strings.Split(want, "\n") {
		if i > 0 {
			pattern.WriteString(`\n`)
		}
		if line == "…" {
			pattern.WriteString(`(?s:.*)`)
			continue
		}
		pattern.WriteString(regexp.QuoteMeta(line))
	}
	pattern.WriteString(`\z`)
	return regexp.MustCompile(pattern.String()).MatchString(got)
}
