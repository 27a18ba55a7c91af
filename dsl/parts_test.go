package dsl

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/graph/tree"
)

// corpus are graphs of all sorts, also broken ones.
func corpus(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, pattern := range []string{"testdata/*/*.yaml", "../graphs/*.yaml", "../graphs/*/*.yaml"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range found {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			all[file] = string(src)
		}
	}
	for name, text := range map[string]string{
		"a list without indentation": "edges:\n- a\n-\n  b: 1\nnodes:\n  x: 1\n",
		"comments":                   "# before\na: # of a\n# left\n  # deep\n  b: x # of x\n\n  # of c\n  c: # nothing\nd: |\n  text\n\n# end\n",
		"block texts":                "a:\n  b: |+\n    one\n\n\n  c: >-\n    two\n    three\n # less deep\n  d: 1\ne: |2\n    x\n",
		"a text of several lines":    "a:\n  one\n  two\nb:\n  \"three\n  four\"\nc: 5\n",
		"CR LF":                      "a:\r\n  b: 1\r\n  c: \"x\r\n    y\"\r\n\r\nd: 2\r\n",
		"a mark":                     "\uFEFFa:\n  b: 1\nc: 2",
		"anchors":                    "a: &x {b: 1}\nc: *x\n",
		"keys twice":                 "a:\n  b: 1\n  c: 2\n  b: 3\na: 1\n",
		"flow over lines":            "a: {b: 1,\nc: 2}\nd: [1,\n 2]\n",
		"questions":                  "a:\n  b: x ? 1 : 2\n  c: {d: is it?}\n? e\n: f\n",
		"documents":                  "a: 1\n---\nb: 2\n",
		"tabs":                       "a:\n\t\n  b: 1\n\t# c\nd: 1\n",
		"tags":                       "a: !!str\n  b\nc:\n  d: !!str 5\n  e: !f g\n",
		"merge":                      "a:\n  b:\n    <<: {c: 1}\n    d: 2\n",
		"odd depth":                  "a:\n  b: 1\n c: 2\nd:\n   - 1\n  - 2\n",
	} {
		all[name] = text
	}
	return all
}

// differ says how what was read in parts differs from what is read as a whole.
func differ(parts, whole *document) string {
	if whole.root == nil {
		return "the whole cannot be read"
	}
	if len(whole.diags) > 0 {
		return whole.diags[0].Error()
	}
	var walk func(a, b *tree.Node) string
	walk = func(a, b *tree.Node) string {
		x, y := *a, *b
		x.Items, y.Items, x.Fields, y.Fields = nil, nil, nil, nil
		switch {
		case !reflect.DeepEqual(x, y):
			return fmt.Sprintf("%+v, want %+v", x, y)
		case parts.comments[a] != whole.comments[b]:
			return fmt.Sprintf("the comment %v, want %v", parts.comments[a], whole.comments[b])
		case parts.broken[a] != whole.broken[b]:
			return fmt.Sprintf("%s is broken: %v", a.Span, parts.broken[a])
		case len(a.Items) != len(b.Items) || len(a.Fields) != len(b.Fields):
			return fmt.Sprintf("%s has %d entries, want %d", a.Span, len(a.Items)+len(a.Fields), len(b.Items)+len(b.Fields))
		}
		for i := range a.Items {
			if d := walk(a.Items[i], b.Items[i]); d != "" {
				return d
			}
		}
		for i := range a.Fields {
			if !reflect.DeepEqual(a.Fields[i].Key, b.Fields[i].Key) {
				return fmt.Sprintf("the key %+v, want %+v", a.Fields[i].Key, b.Fields[i].Key)
			}
			if d := walk(a.Fields[i].Value, b.Fields[i].Value); d != "" {
				return d
			}
		}
		return ""
	}
	return walk(parts.root, whole.root)
}

// TestPartsAreTheWhole: a text that is read in parts, with what was read of earlier
// versions, gives what it gives when it is read as a whole.
func TestPartsAreTheWhole(t *testing.T) {
	t.Parallel()
	apart, total := 0, 0
	for name, text := range corpus(t) {
		random := rand.New(rand.NewPCG(1, uint64(len(text))))
		var former pieces
		good, rounds := text, 20
		if len(text) > 8_000 || testing.Short() {
			rounds = 4
		}
		for round := range rounds {
			r := &reading{file: "f", former: former}
			if r.read([]byte(text)); r.now != nil {
				former = r.now
			}
			total++
			if r.d != nil && r.sound && !r.bound {
				apart++
				good = text
				if d := differ(r.d, readYAML("f", []byte(text))); d != "" {
					t.Fatalf("%s, round %d: %s\n%s", name, round, d, text)
				}
			} else if round == 0 && strings.HasSuffix(name, ".graphrun.yaml") {
				t.Errorf("%s is read as a whole", name)
			}
			text = edited(random, good)
		}
	}
	if apart < total/4 {
		t.Errorf("only %d of %d texts are read in parts", apart, total)
	}
}

// edited changes a text as somebody who types does: at one place, and often whole lines.
func edited(random *rand.Rand, text string) string {
	lines := strings.SplitAfter(text, "\n")
	i := random.IntN(len(lines))
	switch random.IntN(6) {
	case 0: // a line is added
		lines[i] += []string{"\n", "# note\n", "  new: 1\n", "    deep: {a: b}\n", "x: y\n", "- z\n"}[random.IntN(6)]
	case 1: // taken away
		lines[i] = ""
	case 2: // moved
		j := random.IntN(len(lines))
		lines[i], lines[j] = lines[j], lines[i]
	case 3: // written twice
		lines[i] += lines[i]
	default: // changed within
		at := random.IntN(len(lines[i]) + 1)
		lines[i] = lines[i][:at] + []string{"a", " ", ":", ": ", "#", " # ", "\"", "'", "{", "]", "-", "|", "&x ", "*x"}[random.IntN(14)] + lines[i][at:]
	}
	return strings.Join(lines, "")
}

// FuzzParts: what TestPartsAreTheWhole says, of any text.
func FuzzParts(f *testing.F) {
	for _, text := range []string{"a:\n  b: 1\n  c: |\n    x\nd:\n- e\n- f: g # h\n", "nodes:\n  a:\n    uses: exec\n"} {
		f.Add(text, "\n"+text)
	}
	f.Fuzz(func(t *testing.T, before, text string) {
		r := &reading{file: "f"}
		r.read([]byte(before))
		r = &reading{file: "f", former: r.now}
		if r.read([]byte(text)) && r.sound {
			if d := differ(r.d, readYAML("f", []byte(text))); d != "" {
				t.Error(d)
			}
		}
	})
}
