package mask_test

import (
	"encoding/base64"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/mask"
)

// TestStream: a text in pieces is masked as the whole text is, however it is cut.
func TestStream(t *testing.T) {
	t.Parallel()
	secrets := []string{"hunter2 is mine", "hunter", `C:\dir\é"x`, "abc", "line one\nline two\n"}
	m := mask.New(secrets)
	random := rand.New(rand.NewPCG(1, 2))
	parts := []string{" ", "x", "hun", "hunter2 is", "%", `\`, `\\`, "%25", "line ", "…", "\r", "é", "\n"}
	for _, s := range secrets {
		parts = append(parts, s, url.QueryEscape(s), url.QueryEscape(url.QueryEscape(s)), strings.ReplaceAll(s, `\`, `\\\\`), base64.StdEncoding.EncodeToString([]byte("user:"+s)))
	}
	for range 3000 {
		text := ""
		for range 1 + random.IntN(5) {
			text += parts[random.IntN(len(parts))]
		}
		stream, got := m.Stream(), ""
		var cuts []string
		for rest := text; rest != ""; {
			n := 1 + random.IntN(min(len(rest), 9))
			cuts = append(cuts, rest[:n])
			got += stream.Next(rest[:n])
			rest = rest[n:]
		}
		got += stream.End()
		if want := m.Text(text); got != want {
			t.Fatalf("%q in pieces %q\n got %q\nwant %q", text, cuts, got, want)
		}
	}
}

// TestStreamShowsWhatIsNoSecret: nothing is held back for longer than it has to be.
func TestStreamShowsWhatIsNoSecret(t *testing.T) {
	t.Parallel()
	s := mask.New([]string{"hunter2"}).Stream()
	for _, step := range [][2]string{{"I hunt ", "I hunt "}, {"the hun", "the "}, {"gry", "hungry"}, {" hunter", " "}, {"2!", "***!"}} {
		if got := s.Next(step[0]); got != step[1] {
			t.Errorf("after %q: %q, want %q", step[0], got, step[1])
		}
	}
	var none *mask.Masker
	if got := none.Stream().Next("hun"); got != "hun" {
		t.Errorf("without secrets: %q", got)
	}
}
