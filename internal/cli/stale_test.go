package cli

import (
	"bytes"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// What may be a repetition of an earlier answer does not answer the question that has
// hardly been asked: it is refused, and --for says what it was for.
func TestAnswerToAQuestionThatHasHardlyBeenAsked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "twice.yaml")
	graph := "graphrun: 1\nname: twice\nstate: {said: {type: list(boolean), reduce: append, keep: 9}}\n" +
		"nodes:\n  ask: {uses: approval, with: {prompt: \"Number ${{ len(state.said) + 1 }}?\"}, writes: {said: \"[output.approved]\"}}\n" +
		"pause: none\nstop: len(state.said) == 3\n"
	if err := os.WriteFile(file, []byte(graph), 0o600); err != nil {
		t.Fatal(err)
	}
	outside := make(chan os.Signal, 1)
	signal.Notify(outside, os.Interrupt) // its goroutine must not begin within the bubble
	defer signal.Stop(outside)

	synctest.Test(t, func(t *testing.T) {
		command := func(code int, args ...string) string {
			t.Helper()
			var out, errs bytes.Buffer
			args = append(args, "--db", filepath.Join(dir, "graphrun.db"))
			if got := run(t.Context(), args, strings.NewReader(""), &out, &errs); got != code {
				t.Fatalf("graphrun %s: exit code %d, expected %d\n%s%s", strings.Join(args, " "), got, code, out.String(), errs.String())
			}
			return out.String() + errs.String()
		}
		command(0, "run", file, "--until-idle")
		command(0, "approve", "twice", "ask") // the first question of the node is as old as it likes
		command(0, "run", file, "--until-idle")
		said := command(2, "reject", "twice", "ask")
		_, id, _ := strings.Cut(said, `answer "`)
		id, _, _ = strings.Cut(id, `" by its id`)
		if !strings.HasPrefix(id, "ask.") {
			t.Fatalf("the refusal does not name the question: %s", said)
		}
		command(0, "reject", "twice", "ask", "--for", id)
		command(0, "run", file, "--until-idle")
		command(2, "reject", "twice", "ask")
		<-time.After(2 * time.Second)
		command(0, "reject", "twice", "ask")
		if out := command(0, "run", file, "-o", "json"); !strings.Contains(out, `"said":[true,false,false]`) {
			t.Error(out)
		}
	})
}
