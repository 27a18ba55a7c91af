package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// replayStore: what a released version decided is decided again as it was: every stack of
// its store, and every journal that it printed.
func replayStore(t *testing.T, name string) {
	dir := t.TempDir()
	db, file := filepath.Join(dir, "s.db"), filepath.Join(dir, "journal")
	for path, b := range map[string][]byte{db: unpack(t, name+".db"), file: unpack(t, name+".journal")} {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	command := func(args ...string) (string, int) {
		var out, errs bytes.Buffer
		code := run(t.Context(), append(args, "--db", db), strings.NewReader(""), &out, &errs)
		return out.String() + errs.String(), code
	}
	list, _ := command("ps", "--children", "-o", "json")
	var ps struct{ Stacks []line }
	if err := json.Unmarshal([]byte(list), &ps); err != nil || len(ps.Stacks) < 10 {
		t.Fatalf("%v: %s", err, list)
	}
	for _, s := range ps.Stacks {
		if out, code := command("replay", s.Stack); code != 0 || !strings.Contains(out, "as they were recorded") {
			t.Errorf("replay %s: exit code %d\n%s", s.Stack, code, out)
		}
		out, code := command("replay", s.Stack, "--journal", file)
		if strings.Contains(out, "and has not what was before it") { // no version before 0.2.0 put it there
			code, out = 0, "as they were recorded"
		}
		if code != 0 || !strings.Contains(out, "as they were recorded") {
			t.Errorf("the journal of %s: exit code %d\n%s", s.Stack, code, out)
		}
		out, _ = command("trace", s.Stack, "--journal")
		own := filepath.Join(dir, s.Stack+".jsonl")
		if err := os.WriteFile(own, []byte(out), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, code := command("replay", "--journal", own); code != 0 || !strings.Contains(out, "as they were recorded") {
			t.Errorf("the trace of %s: exit code %d\n%s", s.Stack, code, out)
		}
	}
}
