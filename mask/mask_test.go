package mask

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestMaskFindsASecretWithinBase64(t *testing.T) {
	t.Parallel()
	m := New([]string{"correct-horse"})
	for before := range 6 {
		for after := range 4 {
			text := strings.Repeat("a", before) + "correct-horse" + strings.Repeat("z", after)
			for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawStdEncoding} {
				got := m.Text(enc.EncodeToString([]byte(text)))
				if !strings.Contains(got, Mark) || strings.Contains(got, "cnJlY3Q") {
					t.Errorf("%d before, %d after: %q", before, after, got)
				}
			}
		}
	}
}

// TestMaskFindsEverySpelling: encoders differ in what they escape and how.
func TestMaskFindsEverySpelling(t *testing.T) {
	t.Parallel()
	const secret = "pa\"ss/wo+rd é<😀>\\\\x~\n!"
	key := strings.Repeat("0123456789?>", 10)
	line := base64.StdEncoding.EncodeToString([]byte(key))
	m := New([]string{secret, key, "two\nlines-of\nsecrets-here\n", "abcdabcd"})
	for name, tt := range map[string]struct{ text, want string }{
		"as it is":           {"a " + secret + " b", "a *** b"},
		"URL, all":           {"pa%22ss%2Fwo%2Brd%20%C3%A9%3C%F0%9F%98%80%3E%5C%5Cx%7E%0A%21.", "***."},
		"URL, some":          {"pa%22ss/wo%2Brd%20%C3%A9%3C%F0%9F%98%80%3E%5C%5Cx~%0A!.", "***."},
		"URL, small letters": {"pa%22ss%2fwo%2brd%20%c3%a9%3c%f0%9f%98%80%3e%5c%5cx~%0a!.", "***."},
		"form":               {"a=pa%22ss%2Fwo%2Brd+%C3%A9%3C%F0%9F%98%80%3E%5C%5Cx%7E%0A%21&b", "a=***&b"},
		"URL in a URL":       {"pa%2522ss%252Fwo%252Brd%2520%25C3%25A9%253C%25F0%259F%2598%2580%253E%255C%255Cx~%250A!.", "***."},
		"JSON":               {`{"a":"pa\"ss/wo+rd é<😀>\\\\x~\n!"}`, `{"a":"***"}`},
		"JSON, ASCII":        {`"pa\"ss\/wo+rd \u00e9\u003c\ud83d\ude00\u003E\\\\x~\n!"`, `"***"`},
		"JSON in JSON":       {`"\"pa\\\"ss/wo+rd \\u00e9<\\ud83d\\ude00>\\\\\\\\x~\\n!\""`, `"\"***\""`},
		"base64 in lines":    {line[:76] + "\n" + line[76:], "***"},
		"base64 in JSON":     {strings.ReplaceAll(line[:76]+`\r\n`+line[76:], "/", `\/`), "***"},
		"base64 in a URL":    {strings.NewReplacer("+", "%2B", "/", "%2F").Replace(line), "***"},
		"a line of several":  {"x lines-of y", "x *** y"},
		"a short line":       {"two", "two"},
		"white space around": {"two\nlines-of\nsecrets-here", "***"},
		"not quite":          {`pa\"ss%2Fwo+rd %C3%A8`, `pa\"ss%2Fwo+rd %C3%A8`},
		"the end is missing": {key[:len(key)-1], key[:len(key)-1]},
		"cut off":            {`int: "pa\"ss/w…" is no integer`, `int: "***…" is no integer`},
		"two":                {"abcdabcd abcdabcdabcdabcd", "*** ******"},
	} {
		if got := m.Text(tt.text); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

// TestMaskFindsASecretThatIsNotUTF8: messages have one mark for a run of bytes that are
// not UTF-8, JSON has one for each.
func TestMaskFindsASecretThatIsNotUTF8(t *testing.T) {
	t.Parallel()
	const secret = "key\xff\xfe\xfdrest"
	m := New([]string{secret})
	inJSON, err := json.Marshal(secret)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{secret, strings.ToValidUTF8(secret, "\uFFFD"), strings.Trim(string(inJSON), `"`)} {
		if got := m.Text("a " + text + " b"); got != "a *** b" {
			t.Errorf("%q: %q", text, got)
		}
	}
}

func TestMaskedValues(t *testing.T) {
	t.Parallel()
	m := New([]string{"hunter2", "20260101"})
	clean := []any{int64(1), map[string]any{"a": "b"}, nil, 0.5}
	in := map[string]any{"clean": clean, "hunter2": []any{"x hunter2 y", int64(2), int64(20260101), 20260101.5}}
	out := m.Value(in)
	want := map[string]any{"clean": clean, "***": []any{"x *** y", int64(2), "***", 20260101.5}}
	if diff := cmp.Diff(want, out); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if &out.(map[string]any)["clean"].([]any)[0] != &clean[0] {
		t.Error("a part without a secret was copied")
	}
	if _, changed := in["hunter2"]; !changed {
		t.Error("the original was changed")
	}
}

func TestShortSecretsAreMaskedAsTheyAre(t *testing.T) {
	t.Parallel()
	m := New([]string{"", "a b"})
	if got := m.Text("a b a+b"); got != "*** a+b" {
		t.Errorf("got %q", got)
	}
	if v := New([]string{"7"}).Value(int64(7)); v != int64(7) {
		t.Errorf("the number 7 became %v", v)
	}
	image := base64.StdEncoding.EncodeToString([]byte("x1234"))
	if got := New([]string{"1234"}).Text(image); got != image {
		t.Errorf("%q became %q: so few characters are found by chance", image, got)
	}
	if New([]string{""}).Text("a") != "a" {
		t.Error("an empty secret was found")
	}
}

// TestMaskTakesNoLongerForOddText: what a program writes does not decide how
// long it is looked through.
func TestMaskTakesNoLongerForOddText(t *testing.T) {
	t.Parallel()
	m := New([]string{`\\secret\\`, "%25%25secret", "+/+/secret"})
	for _, piece := range []string{`\`, `%25`, `25`, "+", "\n", `\u005c`} {
		text := strings.Repeat(piece, 1<<18/len(piece))
		done := make(chan string, 1)
		go func() { done <- m.Text(text) }()
		select {
		case got := <-done:
			if got != text {
				t.Errorf("%q: something was found", piece)
			}
		case <-time.After(time.Minute):
			t.Fatalf("%q: still looking after a minute", piece)
		}
	}
}

// FuzzMask: whatever the secret is, what the encoders of Go make of it is found.
func FuzzMask(f *testing.F) {
	for _, secret := range []string{"plain", "a\"b\\\\ c/é😀", "00\\&", "\n\n\\\\\\%%%%x", "a\\\nb", `0` + strings.Repeat(`\`, 15) + `0`, `x` + strings.Repeat(`\`, 70) + `y`} {
		f.Add(secret, "%25%25 \\ud83d "+secret[:3])
	}
	f.Fuzz(func(t *testing.T, secret, around string) {
		if len(strings.TrimSpace(secret)) < shortSecret || !utf8.ValidString(secret) {
			return
		}
		if len(secret) > 1<<10 || len(around) > 1<<12 {
			return // one that repeats itself costs its length times that of the text: seconds, for 100 KB
		}
		m := New([]string{secret})
		inBase64 := base64.StdEncoding.EncodeToString([]byte("_" + secret + "__"))
		if len(strings.TrimSpace(secret)) <= shortSecret {
			inBase64 = secret
		}
		quoted, _ := json.Marshal(secret)
		again, _ := json.Marshal(string(quoted))
		for _, text := range []string{
			secret, string(quoted), string(again), url.QueryEscape(secret), url.PathEscape(secret), inBase64,
		} {
			if got := m.Text(text); !strings.Contains(got, Mark) {
				t.Errorf("%q is not found in %q", secret, text)
			}
		}
		if text := url.QueryEscape(url.QueryEscape(secret)); !strings.Contains(secret, "%") && !strings.Contains(m.Text(text), Mark) {
			t.Errorf("%q is not found in %q", secret, text)
		}
		m.Text(around + secret + around)
	})
}
