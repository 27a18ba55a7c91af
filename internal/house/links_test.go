package house

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	pageLink = regexp.MustCompile(`\]\(([^)#]*)(#[^)]*)?\)`)
	fenced   = regexp.MustCompile("(?ms)^```.*?^```$")
	heading  = regexp.MustCompile(`(?m)^#+ (.+)$`)
	unsaid   = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// anchor is what a heading can be linked by.
func anchor(heading string) string {
	return strings.ReplaceAll(unsaid.ReplaceAllString(strings.ToLower(heading), ""), " ", "-")
}

// pages are the documents of the project, by their paths from its root.
func pages(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/adr/*.md"} {
		files, err := filepath.Glob(filepath.Join("../..", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			rel, err := filepath.Rel("../..", file)
			if err != nil {
				t.Fatal(err)
			}
			all[filepath.ToSlash(rel)] = read(t, rel)
		}
	}
	return all
}

// TestLinks: a link of a page to another one leads somewhere, also its anchor.
func TestLinks(t *testing.T) {
	t.Parallel()
	all := pages(t)
	n := 0
	for page, text := range all {
		for _, m := range pageLink.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
			target, fragment := m[1], strings.TrimPrefix(m[2], "#")
			if strings.Contains(target, "://") {
				continue
			}
			n++
			to := page
			if target != "" {
				to = filepath.ToSlash(filepath.Join(filepath.Dir(page), target))
				if _, err := os.Stat(filepath.Join("../..", to)); err != nil {
					t.Errorf("%s: there is no %s", page, target)
					continue
				}
			}
			if fragment == "" {
				continue
			}
			found := false
			for _, h := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(all[to], ""), -1) {
				found = found || anchor(h[1]) == fragment
			}
			if !found {
				t.Errorf("%s: %s has no heading for #%s", page, to, fragment)
			}
		}
	}
	if n < 30 {
		t.Errorf("only %d links", n)
	}
}
