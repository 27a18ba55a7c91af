package schema_test

import (
	"slices"
	"testing"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/tree"
)

func TestFormat(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ good, bad []string }{
		"date-time": {[]string{"2026-11-29T19:35:06Z", "2026-11-29t19:35:06.123+05:30", "1998-12-31T23:59:60Z"}, []string{"", "2026-11-29", "2026-11-29T19:35Z", "2026-11-29 19:35:06Z", "2026-02-29T00:00:00Z", "1998-12-31T22:59:60Z"}},
		"date":      {[]string{"2026-11-29", "2024-02-29"}, []string{"", "2026-1-1", "2026-13-01", "2026-02-29", "2026-11-29\n"}},
		"time":      {[]string{"19:35:06Z", "00:29:60-23:30"}, []string{"", "19:35", "19:35:06", "24:00:00Z", "23:59:60+01:00"}},
		"duration":  {[]string{"P1D", "P2W", "PT1H30M", "P1Y2M3DT4H5M6S"}, []string{"", "P", "PT", "1h", "PT0.5S", "P1Y2D"}},
		"email":     {[]string{"a@b", "a.b+c@example.com", `"a b"@example.com`, "a@[127.0.0.1]", "a@[IPv6:::1]"}, []string{"", "a", "@b", "a@", "a..b@c", "a b@c", "a@b_c", "Ann <a@b>", "a@[::1]"}},
		"uri":       {[]string{"https://example.com", "urn:x:y", "http://[::1]:80/a?b#c", "file:///etc"}, []string{"", "example.com", "//a", "http://a b", "http://[1]", "http://a/%zz", "http://a:b/"}},
		"uuid":      {[]string{"2EB8AA08-aa98-11ea-b4aa-73b441d16380"}, []string{"", "2eb8aa08aa9811eab4aa73b441d16380", "{2eb8aa08-aa98-11ea-b4aa-73b441d16380}"}},
		"ipv4":      {[]string{"127.0.0.1"}, []string{"", "127.0.0.01", "127.1", "::1"}},
		"ipv6":      {[]string{"::1", "::ffff:1.2.3.4"}, []string{"", "1.2.3.4", "fe80::1%eth0", "[::1]"}},
		"hostname":  {[]string{"a", "a-b.example.com"}, []string{"", ".", "a.", "-a", "a_b", "a b"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			typ := formatType(t, name)
			for _, s := range c.good {
				if _, err := typ.Check("", s); err != nil {
					t.Errorf("%q: %v", s, err)
				}
			}
			for _, s := range c.bad {
				if _, err := typ.Check("", s); err == nil {
					t.Errorf("%q is taken", s)
				}
			}
			if _, err := typ.Check("", int64(1)); err != nil {
				t.Errorf("a number: %v", err)
			}
		})
	}
	if len(schema.Formats()) != 10 || !slices.IsSorted(schema.Formats()) {
		t.Errorf("known formats: %v", schema.Formats())
	}
}

// formatType is a type with nothing but a format.
func formatType(t *testing.T, format string) *schema.Type {
	t.Helper()
	set, _ := schema.NewSet(nil)
	typ, problems := set.Compile(tree.Of(map[string]any{"format": format}))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return typ
}

// A format that is not known is a warning, and says nothing about a value.
func TestUnknownFormat(t *testing.T) {
	t.Parallel()
	set, _ := schema.NewSet(nil)
	typ, problems := set.Compile(tree.Of(map[string]any{"type": "string", "format": "datetime"}))
	if len(problems) != 1 || problems[0].Code != diag.UnknownFormat || problems[0].Severity != diag.Warning || problems[0].Help != `did you mean "date-time"?` {
		t.Fatalf("%v", problems)
	}
	if _, err := typ.Check("", "x"); err != nil {
		t.Fatal(err)
	}
}
