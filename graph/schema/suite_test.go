package schema_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/internal/suites"
)

var update = flag.Bool("update", false, "write the golden files anew")

// suiteGroup is a schema of the suite with the values that are held against it.
type suiteGroup struct {
	Schema *tree.Node
	Tests  []struct {
		Data  json.RawMessage
		Valid bool
	}
}

// TestSuite holds the types against the tests of the JSON Schema project
// (draft 2020-12). A type may be refused when it is compiled; a type that is
// taken must judge every value as the standard does, but for what the golden
// file lists.
func TestSuite(t *testing.T) {
	t.Parallel()
	dir := suites.Path(t, "json-schema", "draft2020-12")
	var report []string
	for _, part := range []struct{ title, pattern string }{
		{"Required tests", "*.json"}, {"Optional tests", "optional/*.json"}, {"Optional tests of format", "optional/format/*.json"},
	} {
		files, err := filepath.Glob(filepath.Join(dir, filepath.FromSlash(part.pattern)))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: no files, %v", part.pattern, err)
		}
		var s tally
		for _, file := range files {
			s.file(t, part.pattern, file)
		}
		report = append(report, fmt.Sprintf("# %s: %d agree, %d are refused with a message, %d differ", part.title, s.agree, s.refused, s.differ))
		report = append(report, s.lines()...)
	}
	golden(t, "testdata/suite.golden", "# Tests of the JSON Schema project (draft 2020-12), as FILE GROUP/TEST, by what graph/schema\n"+
		"# makes of them. All tests of a group that is refused are refused: it has a `*`.\n\n"+strings.Join(report, "\n")+"\n")
}

// tally is what came of some files.
type tally struct {
	agree, refused, differ int
	reasons                map[string][]string // places by reason
}

func (s *tally) add(reason, place string) {
	if s.reasons == nil {
		s.reasons = map[string][]string{}
	}
	s.reasons[reason] = append(s.reasons[reason], place)
}

func (s *tally) file(t *testing.T, part, file string) {
	t.Helper()
	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var groups []suiteGroup
	if err := json.Unmarshal(src, &groups); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	name := strings.TrimSuffix(filepath.Base(file), ".json")
	for g, group := range groups {
		typ, reason := compile(t, group.Schema)
		if typ == nil {
			s.refused += len(group.Tests)
			s.add("refused: "+reason, fmt.Sprintf("%s %d/*", name, g))
			continue
		}
		for n, test := range group.Tests {
			data, err := value.Decode(test.Data)
			if err == nil {
				_, err = typ.Check("", data)
			}
			if (err == nil) == test.Valid {
				s.agree++
				continue
			}
			s.differ++
			s.add("differs: "+why(part, name, test.Valid, err), fmt.Sprintf("%s %d/%d", name, g, n))
		}
	}
}

// quotedPart is a part of a message that is not the reason.
var quotedPart = regexp.MustCompile(`, not .*$|: .*$|\(.*\)`)

// compile gives the type of a schema, or why it is refused.
func compile(t *testing.T, n *tree.Node) (*schema.Type, string) {
	t.Helper()
	set, problems := schema.NewSet(nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	typ, problems := set.Compile(n)
	if !problems.HasErrors() {
		return typ, ""
	}
	var all []string
	for _, p := range problems {
		all = append(all, quotedPart.ReplaceAllString(p.Message, ""))
	}
	slices.Sort(all)
	return nil, strings.Join(slices.Compact(all), "; ")
}

// why names the decision behind a difference.
func why(part, file string, valid bool, err error) string {
	switch {
	case part == "*.json" && file == "format" && valid:
		return "a format that is known judges texts; by default it does not in the standard"
	case strings.HasPrefix(part, "optional/format/") && err == nil && !slices.Contains(schema.Formats(), file):
		return "the format is not known: it is a warning, and says nothing about a value"
	case strings.HasPrefix(part, "optional/format/") && err == nil && file == "hostname":
		return "what an internationalised label decodes to is not checked"
	case (file == "bignum" || file == "float-overflow") && valid:
		return "an integer has 64 bits; the standard knows no bound"
	}
	return fmt.Sprintf("a fault: %s: the standard says %v, the type says %v", file, valid, err)
}

func (s *tally) lines() []string {
	var out []string
	for reason, places := range s.reasons {
		out = append(out, fmt.Sprintf("%s (%d)\n    %s", reason, len(places), strings.Join(places, ", ")))
	}
	slices.Sort(out)
	return out
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
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
		t.Errorf("%s differs (run with -update to accept), -want +got:\n%s", file, diff)
	}
}
