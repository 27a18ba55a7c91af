package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/dsl/testfile"
)

// TestSameFiles: what validate refuses, every command that reads a graph refuses
// with the same words, and what it accepts they accept.
func TestSameFiles(t *testing.T) {
	t.Parallel()
	var files []string
	for _, pattern := range []string{"../../dsl/testdata/err/*.yaml", "../../dsl/testdata/ok/*.yaml", "../../dsl/testdata/inner/*.yaml", "../../graphs/*/*.yaml"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, file := range found {
			if text, err := os.ReadFile(file); err != nil || !testfile.Is(text) { // only validate and test read these
				files = append(files, file)
			}
		}
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"empty": "", "utf16": "\xff\xfeg\x00", "bytes": "a: \xff", "large": strings.Repeat("#\n", 8<<20+1)} {
		file := filepath.Join(dir, name+".yaml")
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	files = append(files, dir, filepath.Join(dir, "absent.yaml"))
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			sameVerdict(t, file, "")
		})
	}
	t.Run("standard input", func(t *testing.T) {
		t.Parallel()
		sameVerdict(t, "-", "graphrun: 1\nname: piped\nnodes: {a: {uses: set}}\nlimits: {cycles: 1}\n")
		sameVerdict(t, "-", "graphrun: 1\nname: piped\nnodes: {a: {uses: sett}}\nlimits: {cycles: 1}\n")
	})
}

func sameVerdict(t *testing.T, file, in string) {
	t.Helper()
	db := filepath.Join(t.TempDir(), "x.db")
	ask := func(args ...string) (int, string) {
		var out, err bytes.Buffer
		code := run(t.Context(), args, strings.NewReader(in), &out, &err)
		return code, out.String() + err.String()
	}
	code, problems := ask("validate", file)
	if code != exitDone && code != exitInvalid {
		t.Fatalf("validate: exit code %d: %s", code, problems)
	}
	commands := [][]string{{"graph", file}, {"plan", file, "--db", db}}
	if code == exitInvalid { // a valid graph would do its work
		commands = append(commands, []string{"run", file, "--once", "--db", db})
	}
	if info, err := os.Stat(file); file == "-" || err == nil && !info.IsDir() { // what is no file names a graph that is served
		commands = append(commands, []string{"start", file, "--db", db})
	}
	for _, args := range commands {
		got, said := ask(args...)
		if (got == exitInvalid) != (code == exitInvalid) {
			t.Errorf("validate ends with %d, %s with %d: %s", code, args[0], got, said)
		}
		if code != exitInvalid {
			continue
		}
		if diff := cmp.Diff(errorsOf(problems), errorsOf(said)); diff != "" {
			t.Errorf("validate and %s say different things (-validate +%s):\n%s", args[0], args[0], diff)
		}
	}
}

// errorsOf are the lines of a report that name an error.
func errorsOf(report string) (lines []string) {
	for line := range strings.Lines(report) {
		if strings.Contains(line, ": error: ") {
			lines = append(lines, line)
		}
	}
	return lines
}
