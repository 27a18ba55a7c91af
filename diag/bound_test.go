package diag_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/graphrun/graphrun/diag"
)

func TestShorten(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in    string
		limit int
		want  string
	}{
		{"abcdefghij", 10, "abcdefghij"}, {"abcdefghijk", 10, "abcd…ijk"}, {"äöüäöüäöü", 11, "äö…öü"},
		{"日本日本日本", 9, "日…本"}, {"abcdef", 3, "…"}, {"abcdef", 4, "a…"}, {"", 0, ""},
	} {
		if got := diag.Shorten(tt.in, tt.limit); got != tt.want {
			t.Errorf("Shorten(%q, %d) = %q, want %q", tt.in, tt.limit, got, tt.want)
		}
	}
}

// However long a message, a help and a line are, and whatever stands in them,
// 2 KiB of one problem are shown at most, and the culprit is among it.
func TestBounds(t *testing.T) {
	t.Parallel()
	const most = 2 << 10
	for name, unit := range map[string]string{
		"plain": "x", "loop": " -> node", "CJK": "日", "emoji": "👩", "escapes": "\x1b", "C1": "\u009b", "bidi": "\u202e", "tags": "\U000e0041",
		"combining": "\u0301", "far combining": "\U0001e944", "tab": "\t", "not UTF-8": "\xff", "quotes": `"`, "zero width": "\u200d",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			long := strings.Repeat(unit, 1<<20/len(unit))
			col := utf8.RuneCountInString(long) + 1
			sources := map[string][]byte{"f.yaml": []byte(long + "culprit" + long)}
			var list diag.List
			list.Add(diag.Cycle, at(1, col, col+7), long, "begin %s end", long)
			// A list need not come from Add.
			list = append(list, diag.Diagnostic{Code: diag.Cycle, Span: at(1, col, col+7), Message: long, Help: long})

			for _, d := range list {
				var out bytes.Buffer
				if err := diag.Render(&out, diag.List{d}, sources, diag.Options{}); err != nil {
					t.Fatal(err)
				}
				if shown := out.Len() - len("f.yaml:1:1048577: error:  [cycle]\n  \n  \n  help: \n"); shown > most {
					t.Errorf("text shows %d bytes", shown)
				}
				if !strings.Contains(out.String(), "culprit") {
					t.Errorf("the culprit is not in\n%s", out.String())
				}
				if n := len(d.Error()); n > most {
					t.Errorf("the error has %d bytes", n)
				}
				out.Reset()
				if err := diag.JSON(&out, diag.List{d}, sources, false); err != nil {
					t.Fatal(err)
				}
				var r diag.Report
				if err := json.Unmarshal(out.Bytes(), &r); err != nil {
					t.Fatal(err)
				}
				if n := len(r.Diagnostics[0].Message) + len(r.Diagnostics[0].Help); n > most {
					t.Errorf("JSON has %d bytes of message and help", n)
				}
				out.Reset()
				if err := diag.SARIF(&out, diag.List{d}, sources, ""); err != nil {
					t.Fatal(err)
				}
				var log struct {
					Runs []struct {
						Results []struct{ Message struct{ Text string } }
					}
				}
				if err := json.Unmarshal(out.Bytes(), &log); err != nil {
					t.Fatal(err)
				}
				if n := len(log.Runs[0].Results[0].Message.Text); n > most {
					t.Errorf("SARIF has %d bytes of message and help", n)
				}
			}
			if !strings.HasPrefix(list[0].Message, "begin ") || !strings.HasSuffix(list[0].Message, " end") || !strings.Contains(list[0].Message, "…") {
				t.Errorf("%q is not cut in the middle", list[0].Message)
			}
		})
	}
}

// The reports of a program show no character that a terminal acts on.
func TestReportsAreClean(t *testing.T) {
	t.Parallel()
	var list diag.List
	list.Add(diag.WrongType, at(1, 1, 2), "help \u202e", "message \u009b")
	for i, write := range []func(*bytes.Buffer) error{
		func(b *bytes.Buffer) error { return diag.JSON(b, list, nil, false) },
		func(b *bytes.Buffer) error { return diag.SARIF(b, list, nil, "") },
		func(b *bytes.Buffer) error { return diag.GitHub(b, list, nil) },
	} {
		var out bytes.Buffer
		if err := write(&out); err != nil {
			t.Fatal(err)
		}
		if s := out.String(); strings.ContainsAny(s, "\u202e\u009b") || !strings.Contains(s, `\u202e`) || !strings.Contains(s, `\u009b`) {
			t.Errorf("%d: %s", i, fmt.Sprintf("%+q", s))
		}
	}
}

// A path may be as long as an argument can be.
func TestBoundOfAPlace(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("\x01", 100_000)
	list := diag.List{{Code: diag.MissingFile, Span: diag.Span{File: long, Start: diag.Pos{Line: 7, Col: 3}}, Message: "no such file"}}
	var out bytes.Buffer
	if err := diag.Render(&out, list, nil, diag.Options{}); err != nil {
		t.Fatal(err)
	}
	if out.Len() > 600 || !strings.Contains(out.String(), ":7:3: ") {
		t.Errorf("text shows %d bytes: %.1000s", out.Len(), out.String())
	}
	if n := len(diag.NewReport(list, nil, false).Diagnostics[0].File); n > 4096 {
		t.Errorf("a report shows %d bytes", n)
	}
}
