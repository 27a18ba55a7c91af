package dsl_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/dsl/testfile"
	"github.com/graphrun/graphrun/nodes/std"
)

var update = flag.Bool("update", false, "write goldens and generated files anew")

// golden compares got with a file, or writes the file.
func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (run with -update to accept), -want +got:\n%s", file, diff)
	}
}

// problems loads a file and renders what is wrong with it. The file is named
// by its base name.
func problems(t *testing.T, file string) (diag.List, []byte) {
	t.Helper()
	src, list := testfile.Check(file, std.Registry())
	list = append(list, dsl.Together(src)...)
	list.Sort()
	for i := range list {
		list[i].Span.File = filepath.Base(list[i].Span.File)
		list[i].Message = strings.ReplaceAll(list[i].Message, filepath.Dir(file)+"/", "")
	}
	var out bytes.Buffer
	if err := diag.Render(&out, list, map[string][]byte{filepath.Base(file): src.Text}, diag.Options{}); err != nil {
		t.Fatal(err)
	}
	return list, out.Bytes()
}

func files(t *testing.T, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) == 0 {
		t.Fatalf("%s: no files, %v", pattern, err)
	}
	return found
}

// TestProblems holds each broken graph against the problems that are printed.
// A file that is named after a code has a problem of that code.
func TestProblems(t *testing.T) {
	t.Parallel()
	for _, file := range files(t, "testdata/err/*.yaml") {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list, out := problems(t, file)
			golden(t, strings.TrimSuffix(file, ".yaml")+".out", out)
			for _, d := range list {
				if string(d.Code) == name {
					return
				}
			}
			if _, named := codes(t)[name]; named {
				t.Errorf("no problem has the code %q:\n%s", name, out)
			}
		})
	}
}

// TestValid reads the graphs that are in order.
func TestValid(t *testing.T) {
	t.Parallel()
	for _, file := range files(t, "testdata/ok/*.yaml") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			if list, out := problems(t, file); list.HasErrors() {
				t.Errorf("%s", out)
			}
		})
	}
}

// codes reads the codes out of diag/code.go.
func codes(t *testing.T) map[string]bool {
	t.Helper()
	src, err := os.ReadFile("../diag/code.go")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for line := range strings.Lines(string(src)) {
		if _, value, ok := strings.Cut(line, `= "`); ok {
			out[strings.TrimRight(value, "\"\n")] = true
		} else if _, value, ok := strings.Cut(line, `Code = "`); ok {
			out[strings.TrimRight(value, "\"\n")] = true
		}
	}
	return out
}

// TestEveryCode wants a broken graph and a section of the docs for each code;
// the sections show the graph and what is printed for it.
func TestEveryCode(t *testing.T) {
	t.Parallel()
	const page = "../docs/checks.md"
	src, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(src), "\n## ")
	documented := map[string]bool{}
	for i, part := range parts[1:] {
		code, prose, _ := strings.Cut(part, "\n")
		prose, _, _ = strings.Cut(prose, "\n```yaml")
		documented[code] = true
		file := "testdata/err/" + code
		example, err := os.ReadFile(file + ".yaml")
		if err != nil {
			t.Error(err)
			continue
		}
		_, out := problems(t, file+".yaml")
		parts[i+1] = code + "\n\n" + strings.TrimSpace(prose) + "\n\n```yaml\n" + string(example) + "```\n\n```text\n" + string(out) + "```\n"
	}
	for code := range codes(t) {
		if !documented[code] {
			t.Errorf("%s has no section for %q", page, code)
		}
	}
	golden(t, page, []byte(strings.Join(parts, "\n## ")))
}

// TestGenerated keeps the JSON Schema and the reference in step with the
// tables.
func TestGenerated(t *testing.T) {
	t.Parallel()
	golden(t, "../schema/graph.schema.json", dsl.JSONSchema(std.Registry()))
	golden(t, "../schema/tests.schema.json", dsl.TestsJSONSchema())
	golden(t, "../docs/reference.md", dsl.ReferenceMarkdown(std.Registry()))
}
