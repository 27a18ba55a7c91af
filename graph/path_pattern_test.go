package graph

import "testing"

func TestPathPattern(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"inbox/*.json", "inbox/a.json", true},
		{"inbox/*.json", "inbox/a.txt", false},
		{"inbox/*.json", "inbox/x/a.json", false},
		{"./inbox/*.json", "inbox/a.json", true},
		{"inbox/?.json", "inbox/ab.json", false},
		{"inbox/[a-c].json", "inbox/b.json", true},
		{"inbox/[a-c].json", "inbox/d.json", false},
		{"inbox/**", "inbox/x/y", true},
		{"inbox/**/*.json", "inbox/a.json", true},
		{"inbox/**/*.json", "inbox/x/y/a.json", true},
		{"inbox/**/*.json", "outbox/a.json", false},
		{"**/a/**/b", "x/a/y/a/z/b", true},
		{"**/a/**/b", "x/y/b", false},
		{"../in/*", "../in/a", true},
		{"/srv/*", "/srv/a", true},
		{"a.json", "a.json", true},
	} {
		p, err := ParsePathPattern(c.pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Match(c.name); got != c.want {
			t.Errorf("%q matches %q: %v, want %v", c.pattern, c.name, got, c.want)
		}
	}
	for _, bad := range []string{"", " ", "inbox/[a"} {
		if _, err := ParsePathPattern(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	for pattern, want := range map[string]string{"inbox/x/*.json": "inbox/x", "*.json": ".", "a.json": ".", "/srv/*": "/srv", "/*": "/", "../in/**": "../in"} {
		p, err := ParsePathPattern(pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got, deep := p.Root(); got != want || deep != (pattern == "../in/**") {
			t.Errorf("root of %q is %q, deep %v", pattern, got, deep)
		}
	}
}
