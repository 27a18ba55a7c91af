package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/nodes/agent/agenttest"
)

// TestDocsRecording makes the recording that docs/agents.md replays: what a server says
// to the hosted example of the page. UPDATE=1 writes it.
func TestDocsRecording(t *testing.T) {
	page, err := os.ReadFile("../../docs/agents.md")
	if err != nil {
		t.Fatal(err)
	}
	server := agenttest.New(t, agenttest.Reply{
		Text:  "The desk lamp takes bulbs with an E27 socket, up to 40 watts.",
		Usage: &agenttest.Usage{Input: 52, Output: 18},
	})
	dir := t.TempDir()
	file, tape := filepath.Join(dir, "hosted.graphrun.yaml"), filepath.Join(dir, "answers.jsonl")
	for _, b := range blocks(string(page)) {
		if b.file == filepath.Base(file) {
			text := strings.Replace(b.text, "    api: openai\n", "    api: openai\n    base_url: "+server.OpenAI()+"\n", 1)
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Setenv("OPENAI_API_KEY", "sk-of-the-docs")
	t.Setenv("ANTHROPIC_API_KEY", "sk-of-the-docs-too")
	var out, said bytes.Buffer
	code := run(t.Context(), []string{"run", file, "--param", "ticket=Which bulbs fit the desk lamp?", "--record", tape, "--db", filepath.Join(dir, "s.db")},
		strings.NewReader(""), &out, &said)
	if code != exitDone {
		t.Fatalf("exit code %d: %s", code, said.String())
	}
	recorded, err := os.ReadFile(tape)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(recorded, []byte("sk-of")) {
		t.Error("a key is in the recording")
	}
	recorded = bytes.ReplaceAll(recorded, []byte(strings.TrimPrefix(server.URL(), "http://")), []byte("api.openai.com"))
	kept := filepath.Join("testdata", "docs", "answers.jsonl")
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(kept, recorded, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(kept)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, recorded) {
		t.Errorf("%s is not what is recorded now (UPDATE=1 writes it)\nhas: %s\nnow: %s", kept, want, recorded)
	}
}
