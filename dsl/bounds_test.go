package dsl

import (
	"fmt"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/diag"
)

// hostile are inputs that are known to bring YAML readers down.
func hostile() map[string]string {
	rep := strings.Repeat
	alias, merge := "a0: &a0 [x, x, x, x, x, x, x, x, x]\n", "a0: &a0 {x: 1}\n"
	for i := 1; i <= 7; i++ {
		alias += fmt.Sprintf("a%d: &a%d [*a%d%s]\n", i, i, i-1, rep(fmt.Sprintf(", *a%d", i-1), 8))
	}
	for i := 1; i <= 25; i++ {
		merge += fmt.Sprintf("a%d: &a%d\n  <<: [*a%d, *a%d]\n", i, i, i-1, i-1)
	}
	var block, keys strings.Builder
	for i := range 2000 {
		block.WriteString(rep(" ", i) + "a:\n")
	}
	for i := range 50_000 {
		fmt.Fprintf(&keys, "key%d: %d\n", i, i)
	}
	return map[string]string{
		"aliases": alias, "merge keys": merge, "anchor in itself": "a: &a [*a]",
		"aliases of a long scalar": "a: &a " + rep("x", 1<<20) + "\nb: [" + rep("*a, ", 20) + "*a]\n",
		"lists":                    rep("[", 12_000), "mappings": rep("{a: ", 2_000), "blocks": block.String(), "dashes": rep("- ", 5_000),
		"keys": keys.String(), "repeated keys": rep("a: 1\n", 20_000), "values": "[" + rep("1,", 8<<20-2) + "]",
		"documents": "a: 1\n---\nb: 1\n", "binary": "a: !!binary aGk=", "python": "a: !!python/object:os.system x", "nan": "a: !!float nan",
		"NUL": "a: \x00", "UTF-16": "\xff\xfea\x00", "not UTF-8": "a: \xff", "surrogate": `a: "\ud800"`, "CR": "a: 1\rb: [",
		"tab": "a:\n\tb: 1", "anchor on a key": "&k a: 1", "merge of a scalar": "<<: 1",
		"long scalar": "a: " + rep("x", 5<<20), "long block": "a: |\n" + rep("  hello world\n", 5<<20/14),
		"escape byte in a key": "\"\\e[31m\": 1", "comments": rep("# x\n", 1<<20), "unclosed": "a: [", "quote": "'", "bar": "a: |", "at": "@",
	}
}

// TestHostile wants a problem with a place for each of them. What hangs runs
// into the time limit of the tests.
func TestHostile(t *testing.T) {
	for name, src := range hostile() {
		t.Run(name, func(t *testing.T) {
			_, list := Parse("f", []byte(src))
			if !list.HasErrors() {
				t.Fatal("no problem was reported")
			}
			for _, d := range list {
				if d.Span.Start.Line < 1 || d.Span.Start.Col < 1 || d.Message == "" {
					t.Errorf("no place or no message: %v", d)
				}
			}
		})
	}
}

// Brackets and dashes that are text are no nesting, however many there are; those
// that are syntax are, and each is refused at its place.
func TestNesting(t *testing.T) {
	t.Parallel()
	open, dashes := strings.Repeat("[{", 3000), strings.Repeat("- ", 300)
	for name, src := range map[string]string{
		"double quotes": `a: "` + open + `"`, "single quotes": "a: '" + open + "'", "comment": "a: 1 # " + open, "plain": "a: x " + open,
		"block": "a: |\n  " + open + "\n  " + dashes + "x\n", "quotes in a list": `a: ["` + open + `", "` + open + `"]`,
		"over lines": "a: \"x\n  " + dashes + "x\"",
	} {
		if d := readYAML("f", []byte(src)); len(d.diags) > 0 || d.root == nil {
			t.Errorf("%s: %v", name, d.diags)
		}
	}
	for src, col := range map[string]int{
		"a: " + strings.Repeat("[", 200) + strings.Repeat("]", 200):    103,
		"a: " + strings.Repeat("{b: ", 120) + strings.Repeat("}", 120): 397,
		strings.Repeat("- ", 200) + "x":                                201,
		strings.Repeat("[", 20_000):                                    1,
	} {
		d := readYAML("f", []byte(src))
		if d.root != nil || len(d.diags) != 1 || d.diags[0].Code != diag.TooLarge || d.diags[0].Span.Start != (diag.Pos{Line: 1, Col: col}) {
			t.Errorf("%.20s…: %v, want too-large at column %d", src, d.diags, col)
		}
	}
}

// TestScalars holds the core schema of YAML 1.2 against what is read.
func TestScalars(t *testing.T) {
	t.Parallel()
	tests := []struct {
		src  string
		want any
	}{
		{"yes", "yes"}, {"no", "no"}, {"on", "on"}, {"off", "off"}, {"true", true}, {"false", false},
		{"010", int64(10)}, {"0o10", int64(8)}, {"0x1F", int64(31)}, {"017", int64(17)}, {"-5", int64(-5)},
		{"9223372036854775807", int64(9223372036854775807)}, {"9223372036854775808", 9223372036854775808.0},
		{"-9223372036854775808", int64(-9223372036854775808)}, {"0o1777777777777777777777", 18446744073709551615.0},
		{"0x8000000000000000", 9223372036854775808.0}, {"1e-400", 0.0}, {"1e3", 1000.0}, {"1.5", 1.5}, {".5", 0.5}, {"1_000", "1_000"}, {"12:30", "12:30"},
		{"2024-01-02", "2024-01-02"}, {"~", nil}, {"null", nil}, {`"1"`, "1"}, {"'true'", "true"}, {"!!str 5", "5"},
	}
	for _, tt := range tests {
		d := readYAML("f", []byte("a: "+tt.src))
		if len(d.diags) > 0 {
			t.Errorf("%s: %v", tt.src, d.diags)
			continue
		}
		if got := d.root.Get("a").Value(); got != tt.want {
			t.Errorf("%s reads as %T %v, want %T %v", tt.src, got, got, tt.want, tt.want)
		}
	}
}

// FuzzParse wants no panic, an end within a second, a place for each problem,
// and for what is in order the same graph after Format.
func FuzzParse(f *testing.F) {
	for _, src := range hostile() {
		if len(src) < 1<<12 {
			f.Add([]byte(src))
		}
	}
	f.Add([]byte("graphrun: 1\nname: a\nnodes:\n  a: {uses: set, with: {x: |\n   y}}\nedges: [{to: a, when: !x}]\n"))
	f.Add([]byte("graphrun: 1\nname: a\nnodes:\n    a:\n        uses: set # c\nedges:\n- to: a\n  when: >-\n     x\n     > 0\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		_, list := Parse("f", src)
		for _, d := range list {
			if d.Span.Start.Line < 1 || d.Span.Start.Col < 1 {
				t.Errorf("no place: %v", d)
			}
		}
		before := readYAML("f", src)
		if before.diags.HasErrors() {
			return
		}
		out, err := Format("f", src)
		if err != nil {
			t.Fatalf("Format: %v", err)
		}
		if after := readYAML("f", out); after.diags.HasErrors() || !same(before.root, after.root) {
			t.Errorf("Format changed the meaning:\n%s\nbecame\n%s", src, out)
		}
		if again, err := Format("f", out); err != nil || string(again) != string(out) {
			t.Errorf("a second Format gives %q, want %q, %v", again, out, err)
		}
	})
}

// chain is a graph of n nodes, one behind the other.
func chain(n int) []byte {
	var b strings.Builder
	b.WriteString("graphrun: 1\nname: chain\nstate: {x: integer}\nnodes:\n")
	for i := range n {
		fmt.Fprintf(&b, "  n%d:\n    uses: set\n    with: {x: \"${{ state.x + 1 }}\"}\n    writes: {x: output.x}\n", i)
	}
	b.WriteString("edges:\n")
	for i := 1; i < n; i++ {
		fmt.Fprintf(&b, "  - {from: n%d, to: n%d, when: state.x > %d}\n", i-1, i, i)
	}
	return []byte(b.String())
}

func BenchmarkParseChain10000(b *testing.B) {
	src := chain(10_000)
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if _, list := Parse("f", src); list.HasErrors() {
			b.Fatal(list)
		}
	}
}

func BenchmarkParse50000Keys(b *testing.B) {
	src := []byte(hostile()["keys"])
	b.ReportAllocs()
	var list diag.List
	for b.Loop() {
		_, list = Parse("f", src)
	}
	if len(list) < 50_000 {
		b.Fatal("expected an unknown field for each key")
	}
}
