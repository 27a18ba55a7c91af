package dsl

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	canon "github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/internal/suites"
)

// yamlCase is one test of the YAML project. What a test of a file does not say
// is as in the one before it.
type yamlCase struct {
	YAML *string
	JSON *string // the value, or several; nil where JSON cannot hold it
	Tree *string
	Fail bool
	Skip bool // the project itself leaves it out
}

// marks are how the suite writes characters that are hard to see.
var marks = strings.NewReplacer("␣", " ", "»", "\t", "—", "", "↵", "", "∎\n", "", "←", "\r", "⇔", "\uFEFF")

// TestSuite holds what is read of YAML against the tests of the YAML project. A
// text may be refused; one that is taken must have the right value, but for
// what the golden file lists.
func TestSuite(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(suites.Path(t, "yaml", "src"), "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files, %v", err)
	}
	verdicts := map[string][]string{}
	total := 0
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var cases []yamlCase
		if err := yaml.Unmarshal(src, &cases); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		var c yamlCase
		for i, next := range cases {
			if next.YAML != nil {
				c.YAML = next.YAML
			}
			if next.Tree != nil || next.JSON != nil {
				c.Tree, c.JSON = next.Tree, next.JSON
			}
			if c.Fail, c.Skip = next.Fail, c.Skip || next.Skip; c.Skip {
				continue
			}
			verdict := c.verdict()
			name := fmt.Sprintf("%s/%d", strings.TrimSuffix(filepath.Base(file), ".yaml"), i)
			if verdict == taken {
				verdict += ": " + lenient[name]
			}
			verdicts[verdict] = append(verdicts[verdict], name)
			total++
		}
	}
	var lines []string
	for verdict, names := range verdicts {
		places := ""
		if !strings.HasPrefix(verdict, "agrees") {
			places = "\n    " + strings.Join(names, " ")
		}
		lines = append(lines, fmt.Sprintf("%s (%d)%s", verdict, len(names), places))
	}
	slices.Sort(lines)
	goldenSuite(t, fmt.Sprintf("# The %d tests of the YAML project, as FILE/TEST, by what is read of them.\n"+
		"# Refused on purpose: keys that are no strings, tags of programs, several documents, other versions\n"+
		"# of YAML, an empty file. All else that is refused is beyond yaml.v3: a file that it cannot read is\n"+
		"# refused with a place and a message.\n\n%s\n", total, strings.Join(lines, "\n")))
}

const taken = "taken though invalid"

// lenient says what yaml.v3 lets pass, and why that is left alone: the value is
// what the author sees.
var lenient = map[string]string{
	"9C9N/0": "brackets and quotes may go on at any indentation", "QB6E/0": "brackets and quotes may go on at any indentation",
	"DK95/1": "a tab may indent what is within brackets and quotes", "Y79Y/3": "a tab may indent what is within brackets and quotes",
	"HRE5/0": `\' is an escape in double quotes`,
	"S98Z/0": "empty lines before a block scalar may have any number of blanks",
}

// unquoted is the part of a message that is the same for all its kind.
var unquoted = regexp.MustCompile(`"[^"]*"|\d+`)

func (c *yamlCase) verdict() string {
	src := marks.Replace(*c.YAML)
	d := readYAML("f", []byte(src))
	if d.diags.HasErrors() || d.root == nil {
		if c.Fail {
			return "agrees: invalid, and refused"
		}
		reason := string(d.diags[0].Code) + ": " + unquoted.ReplaceAllString(d.diags[0].Message, "…")
		return "refused though valid: " + reason
	}
	switch {
	case c.Fail:
		return taken
	case c.JSON == nil:
		return "agrees: taken; JSON cannot hold the value"
	}
	var want []string
	for dec := json.NewDecoder(strings.NewReader(*c.JSON)); ; {
		var raw json.RawMessage
		if err := dec.Decode(&raw); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return "the suite itself is not read: " + err.Error()
		}
		v, err := canon.Decode(bytes.TrimSpace(raw))
		if err != nil {
			return "the suite itself is not read: " + err.Error()
		}
		want = append(want, canon.String(v))
	}
	if got := canon.String(d.root.Value()); len(want) != 1 || got != want[0] {
		return fmt.Sprintf("another value: %s, not %s", got, strings.Join(want, " and "))
	}
	return "agrees: the same value"
}

var updateSuite = flag.Bool("update-suite", false, "write the golden file of the YAML suite anew")

func goldenSuite(t *testing.T, got string) {
	t.Helper()
	const file = "testdata/suite.golden"
	if *updateSuite {
		if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (run with -update-suite to accept), -want +got:\n%s", file, diff)
	}
}
