package dsl

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFormat(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, want string }{
		{"as it should be", "a:\n  b: 1\n", "a:\n  b: 1\n"},
		{"four spaces", "a:\n    b:\n        c: 1\n    d: 2\n", "a:\n  b:\n    c: 1\n  d: 2\n"},
		{"list at the key's column", "a:\n- x\n- y: 1\n  z: 2\nb: 1\n", "a:\n  - x\n  - y: 1\n    z: 2\nb: 1\n"},
		{"wide dashes", "a:\n  -   x: 1\n      y: 2\n  -\n    z: 3\n", "a:\n  - x: 1\n    y: 2\n  -\n    z: 3\n"},
		{"lists in lists", "a:\n  - - 1\n    - 2\n  - - 3\n", "a:\n  - - 1\n    - 2\n  - - 3\n"},
		{"comments", "# top\na:\n    # of b\n    b: 1   # beside\n    # behind b\n# of c\nc: 2\n# end\n",
			"# top\na:\n  # of b\n  b: 1   # beside\n  # behind b\n# of c\nc: 2\n# end\n"},
		{"comment before a list at the key's column", "a:\n# x\n- 1\n", "a:\n  # x\n  - 1\n"},
		{"blank lines", "\n\na: 1\n\n\n\nb: 2\n\n\n", "a: 1\n\nb: 2\n"},
		{"CR LF and blanks at the end", "a: 1  \r\nb: 2\t\r\n", "a: 1\nb: 2\n"},
		{"block scalar", "a:\n    b: |\n        x\n          y\n\n        z\n    c: 1\n", "a:\n  b: |\n    x\n      y\n\n    z\n  c: 1\n"},
		{"block scalar with indicator", "a:\n    b: |2\n        x\n    c: 1\n", "a:\n  b: |2\n      x\n  c: 1\n"},
		{"block scalar in a list", "a:\n- |\n   x\n   y\n- >-\n z\n", "a:\n  - |\n    x\n    y\n  - >-\n    z\n"},
		{"block scalar keeps its blanks", "a: |\n    x  \n      \n    y\n", "a: |\n  x  \n    \n  y\n"},
		{"braces over lines", "a:\n    b: {x: 1,\n        y: 2}\n", "a:\n  b: {x: 1,\n      y: 2}\n"},
		{"quotes over lines", "a:\n    b: \"x\n      y\"\n", "a:\n  b: \"x\n    y\"\n"},
		{"plain over lines", "a:\n    b: x\n      y\n    c: 1\n", "a:\n  b: x\n    y\n  c: 1\n"},
		{"aligned values stay", "a:\n  b:    1\n  ccc:  2\n", "a:\n  b:    1\n  ccc:  2\n"},
		{"value on the next line", "a:\n      b\nc:\n   {x: 1}\n", "a:\n  b\nc:\n  {x: 1}\n"},
		{"anchors", "a: &x\n    b: 1\nc: *x\n", "a: &x\n  b: 1\nc: *x\n"},
		{"document marks", "---\na:\n    b: 1\n", "---\na:\n  b: 1\n"},
		{"merge keys", "a: &x\n    b: 1\nc:\n    <<: *x\n    d: 2\ne:\n    <<: [*x,\n      *x]\n    f:\n        g: 1\n", "a: &x\n  b: 1\nc:\n  <<: *x\n  d: 2\ne:\n  <<: [*x,\n    *x]\n  f:\n    g: 1\n"},
		{"merged braces over lines", "a:\n    <<: {x: 1,\n        y: 2}\n", "a:\n  <<: {x: 1,\n      y: 2}\n"},
		{"no line break at the end", "a: 1", "a: 1\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := Format("f", []byte(tt.in))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			again, err := Format("f", got)
			if err != nil || string(again) != string(got) {
				t.Errorf("a second time gives %q, %v", again, err)
			}
		})
	}
}

func TestFormatRefusesWhatIsNotYAML(t *testing.T) {
	t.Parallel()
	if out, err := Format("f", []byte("a: [")); err == nil {
		t.Errorf("got %q, want an error", out)
	}
}
