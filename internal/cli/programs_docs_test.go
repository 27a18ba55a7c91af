package cli

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestProgramsThatStayOfTheDocs runs the programs of docs/programs.md in its graph.
func TestProgramsThatStayOfTheDocs(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/programs.md")
	if err != nil {
		t.Fatal(err)
	}
	text := map[string]string{}
	for _, b := range blocks(string(page)) {
		text[b.language] = b.text
	}
	// Types, as Node takes them away itself since 22.18.
	text["javascript"] = regexp.MustCompile(`: (any|string)\b`).ReplaceAllString(text["typescript"], "")
	for _, tt := range []struct{ language, program, file string }{
		{"python", "python3", "worker.py"}, {"javascript", "node", "worker.mjs"},
	} {
		t.Run(tt.language, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(tt.program); err != nil {
				t.Skipf("SKIPPED: %s is not here, so the program of the docs was not run", tt.program)
			}
			dir := t.TempDir()
			for name, content := range map[string]string{tt.file: text[tt.language],
				"shout.graphrun.yaml": strings.ReplaceAll(text["yaml"], "[python3, worker.py]", "["+tt.program+", "+tt.file+"]")} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			for _, args := range [][]string{{"run", "shout.graphrun.yaml", "--stack", "s", "--cycles", "1"}, {"state", "s", "-o", "json"}} {
				cmd := exec.CommandContext(t.Context(), "graphrun", args...)
				cmd.Dir, cmd.Env = dir, append(os.Environ(), "NO_COLOR=1")
				out, err := cmd.CombinedOutput()
				if err != nil {
					t.Fatalf("%v: %v\n%s", args, err, out)
				}
				if out = bytes.Join(bytes.Fields(out), nil); args[0] == "state" && !bytes.Contains(out, []byte(`"loud":["ONE","TWO","THREE"]`)) {
					t.Errorf("the state is %s", out)
				}
			}
		})
	}
}
