package diag

import (
	"os/exec"
	"testing"
)

// TestShellWord: a shell reads a quoted word as it was, and a terminal acts on nothing in it.
func TestShellWord(t *testing.T) {
	t.Parallel()
	words := []string{"plain-1.2_3/x:@%+,", "", "two words", "it's", `a\b`, `$(touch x) $HOME "quoted" !! *`, "-x", "~", "#", "日本語 👍🏽",
		"a\x1b[31mb'c\\n", "new\nline", "turned\u202earound", "bell\a", "bad\xffbyte", "\u2028"}
	for _, w := range words {
		if q := ShellWord(w); Clean(q) != q {
			t.Errorf("%q is quoted as %q", w, q)
		}
	}
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash")
	}
	for _, w := range words {
		out, err := exec.Command(bash, "-c", "printf %s "+ShellWord(w)).Output()
		if err != nil || string(out) != w {
			t.Errorf("%q is quoted as %s, which bash reads as %q (%v)", w, ShellWord(w), out, err)
		}
	}
}
