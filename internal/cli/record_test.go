package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/nodes/agent/agenttest"
)

const recordedGraph = `
graphrun: 1
name: ask
secrets: [RECORD_TEST_KEY]
providers: {p: {api: %s, base_url: "%s", key: "${{ secrets.RECORD_TEST_KEY }}"}}
params: {question: {type: string, default: hello}}
tools:
  look: {description: Looks., args: {type: object}, uses: set, with: {seen: true}, effects: none}
state: {answer: string?}
nodes:
  ask:
    uses: agent
    with: {model: p/m, instructions: Be brief., input: "${{ params.question }}", tools: [look]}
    writes: {answer: output}
stop: state.answer != nil
pause: none
limits: {cycles: 1}
`

// TestRecordAndReplay: what a provider answered once is answered again without it, and
// without its key; a question that was not asked then fails and says what is nearest.
func TestRecordAndReplay(t *testing.T) {
	for _, api := range []string{"openai", "anthropic"} {
		t.Run(api, func(t *testing.T) {
			dir := t.TempDir()
			server := agenttest.New(t, agenttest.Calls(agenttest.Call{Name: "look"}), agenttest.Text("it is done"))
			base := server.URL()
			if api == "openai" {
				base += "/v1"
			}
			file, tape := filepath.Join(dir, "g.graphrun.yaml"), filepath.Join(dir, "tape.jsonl")
			if err := os.WriteFile(file, fmt.Appendf(nil, recordedGraph, api, base), 0o600); err != nil {
				t.Fatal(err)
			}
			do := func(want int, args ...string) (out, said string) {
				t.Helper()
				var o, e bytes.Buffer
				args = append(args, "--db", filepath.Join(dir, "s.db"))
				if code := run(t.Context(), args, strings.NewReader(""), &o, &e); code != want {
					t.Fatalf("%v: exit code %d, expected %d: %s%s", args, code, want, o.String(), e.String())
				}
				return o.String(), e.String()
			}
			t.Setenv("RECORD_TEST_KEY", "sk-secret-of-the-test")
			out, _ := do(exitDone, "run", file, "-o", "json", "--record", tape)
			if !strings.Contains(out, "it is done") {
				t.Errorf("recorded: %s", out)
			}
			text, err := os.ReadFile(tape)
			if err != nil || bytes.Count(text, []byte("\n")) != 2 || bytes.Contains(text, []byte("sk-secret")) {
				t.Errorf("the recording is %v %s", err, text)
			}
			server.Close()
			if err := os.Unsetenv("RECORD_TEST_KEY"); err != nil {
				t.Fatal(err)
			}
			do(exitUsage, "run", file, "--stack", "no-key")
			out, _ = do(exitDone, "run", file, "--stack", "again", "-o", "json", "--replay", tape)
			if !strings.Contains(out, "it is done") {
				t.Errorf("replayed: %s", out)
			}
			_, said := do(exitWorkFailed, "run", file, "--stack", "other", "--param", "question=help", "--replay", tape)
			if !strings.Contains(said, "(model)") || !strings.Contains(said, `"hello"`) || !strings.Contains(said, `"help"`) {
				t.Errorf("another question: %s", said)
			}
			if err := os.WriteFile(tape, append(text, "no line\n"...), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, said = do(exitUsage, "run", file, "--stack", "bad", "--replay", tape); !strings.Contains(said, "tape.jsonl:3: ") {
				t.Errorf("a broken recording: %s", said)
			}
		})
	}
}
