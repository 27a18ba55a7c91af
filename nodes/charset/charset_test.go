package charset_test

import (
	"testing"

	"github.com/graphrun/graphrun/nodes/charset"
)

func TestFind(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ label, bytes, want, fails string }{
		{label: "ISO-8859-1", bytes: "caf\xe9", want: "café"},
		{label: "windows-1252", bytes: "\x80", want: "€"},
		{label: "utf-16", bytes: "\xfe\xff\x20\xac", want: "€"},
		{label: "UTF-16", bytes: "\xff\xfe\xac\x20", want: "€"},
		{label: "shift_jis", bytes: "\x93\xfa\x96\x7b", want: "日本"},
		{label: "euc-jp", bytes: "caf\xe9", fails: `it has bytes that its charset euc-jp does not know, after "caf"`},
	} {
		decode, ok := charset.Find(tt.label)
		if !ok {
			t.Errorf("%s: not known", tt.label)
			continue
		}
		got, err := decode([]byte(tt.bytes))
		if message := ""; err != nil {
			message = err.Error()
			if message != tt.fails {
				t.Errorf("%s of %q: %s; want %s", tt.label, tt.bytes, message, tt.fails)
			}
		} else if tt.fails != "" || string(got) != tt.want {
			t.Errorf("%s of %q = %q; want %q", tt.label, tt.bytes, got, tt.want+tt.fails)
		}
	}
	if _, ok := charset.Find("klingon"); ok {
		t.Error("klingon is known")
	}
}
