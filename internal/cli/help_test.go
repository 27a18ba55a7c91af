package cli

import (
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/mattn/go-runewidth"
)

var (
	exampleLine = regexp.MustCompile(`^  (?:source <\()?graphrun (\S+)`)
	exampleFlag = regexp.MustCompile(` --([a-z-]+)`)
)

// TestHelpPages: every command has a page in a group, with examples whose commands
// and flags exist, and fits 80 columns.
func TestHelpPages(t *testing.T) {
	t.Parallel()
	root := newRoot(&app{out: &dataWriter{w: io.Discard}, err: io.Discard})
	listed := strings.Join(groups, "\n")
	for _, cmd := range root.Commands() {
		p, ok := pages[cmd.Name()]
		if !ok || p.example == "" || !strings.Contains(listed, p.group) {
			t.Errorf("%s has no page, no example or no group", cmd.Name())
		}
		for line := range strings.Lines(p.example) {
			m := exampleLine.FindStringSubmatch(line)
			if m == nil {
				t.Errorf("%s: %q is no example of a command", cmd.Name(), line)
				continue
			}
			about, _, err := root.Find([]string{m[1]})
			if err != nil {
				t.Error(err)
				continue
			}
			for _, f := range exampleFlag.FindAllStringSubmatch(line, -1) {
				if about.Flag(f[1]) == nil && about.InheritedFlags().Lookup(f[1]) == nil {
					t.Errorf("%s: %q: there is no flag --%s", cmd.Name(), line, f[1])
				}
			}
		}
		for line := range strings.Lines(helpPage(cmd, pageColumns)) {
			if n := runewidth.StringWidth(strings.TrimSuffix(line, "\n")); n > pageColumns {
				t.Errorf("%s: %d columns: %s", cmd.Name(), n, line)
			}
		}
	}
	for name := range pages {
		if about, _, err := root.Find([]string{name}); err != nil || about == root {
			t.Errorf("the page %q is of no command", name)
		}
	}
	for _, columns := range []int{1, 20, 40} { // a terminal may be as narrow as it likes
		for _, cmd := range append(root.Commands(), root) {
			if text := helpPage(cmd, columns); !strings.Contains(text, "Usage:") {
				t.Errorf("%s at %d columns: %q", cmd.Name(), columns, text)
			}
		}
	}
}
