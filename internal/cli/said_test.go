package cli

import (
	"bytes"
	"fmt"
	"github.com/mattn/go-runewidth"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime/api"
)

// TestSayingsInLines: in a file there are whole lines of what is said, and after a while
// the words so far; a control character is shown, and what the log has in whole is left
// to it.
func TestSayingsInLines(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ node, rest string }{{"", "2026-11-29 12:00:01 +0000  cycle 4  a says: rest\n"}, {"a", ""}} {
		var out bytes.Buffer
		now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
		s := newSayings(&app{out: &dataWriter{w: &out}, utc: true}, tt.node)
		s.now = func() time.Time { return now }
		says := func(text string) { s.delta(api.Delta{Node: "a", Attempt: 1, Text: text}) }
		record := func(b journal.Body) { s.record(journal.Record{Stack: "s", Cycle: 4, Body: b}) }
		record(&journal.TaskStarted{Wave: 1, Node: "a", Attempt: 1})
		says("one ")
		says("two\n\nth")
		says("ree \x1b[31m")
		now = now.Add(time.Second)
		says(" four")
		says(" rest")
		record(&journal.TaskStep{Wave: 1, Node: "a", Attempt: 1, Step: 1, Name: "tool:x"})
		record(&journal.TaskStep{Wave: 1, Node: "a", Attempt: 1, Step: 2, Name: "model:p/m"})
		want := `2026-11-29 12:00:00 +0000  cycle 4  a says: one two
2026-11-29 12:00:01 +0000  cycle 4  a says: three \u001b[31m
` + strings.Replace(tt.rest, "rest", "four rest", 1)
		if diff := cmp.Diff(want, out.String()); diff != "" {
			t.Errorf("of %q (-want +got)\n%s", tt.node, diff)
		}
		if len(s.all) != 0 {
			t.Errorf("of %q: what is recorded is still said", tt.node)
		}
	}
}

// TestSayingsOnTerminal: the text grows below the log, wrapped to the terminal, its end
// on half of it at most, and is gone when it is recorded.
func TestSayingsOnTerminal(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	a := &app{out: &dataWriter{w: &out}}
	s := newSayings(a, "")
	s.frame, s.size = &frame{w: a.out}, func() (int, int, error) { return 20, 10, nil }
	screen := func() string { return terminalAfter(out.String(), 20) }
	s.log("a started\n")
	s.delta(api.Delta{Node: "a", Text: "late", Gap: true})
	if diff := cmp.Diff("a started\na says:\n    … late\n", screen()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	s.delta(api.Delta{Node: "a", Text: "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 \x1b[31m16"})
	s.delta(api.Delta{Node: "a", Text: " 月月月月月月月月月"})
	s.delta(api.Delta{Node: "a", Text: " and a word"})
	if diff := cmp.Diff("a started\na says:\n    12 13 14 15\n    \\u001b[31m16\n    月月月月月月月\n    月月 and a word\n", screen()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	s.log("a text that is wider than the terminal\n")
	s.record(journal.Record{Body: &journal.TaskStep{Wave: 1, Node: "a", Attempt: 1, Step: 1, Name: "model:p/m"}})
	s.log("step 1\n")
	s.close()
	if diff := cmp.Diff("a started\na text that is wider\n than the terminal\nstep 1\n", screen()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// terminalAfter is what stands on a terminal after text with the few escape sequences
// that a log has.
func terminalAfter(text string, columns int) string {
	lines, row, column := []string{""}, 0, 0
	for text != "" {
		up := 0
		if n, _ := fmt.Sscanf(text, "\x1b[%dA", &up); n == 1 {
			row -= up
			text = text[strings.IndexByte(text, 'A')+1:]
			continue
		}
		if rest, ok := strings.CutPrefix(text, eraseBelow); ok {
			text, lines = rest, lines[:row+1]
			lines[row] = lines[row][:column]
			continue
		}
		r, size := utf8.DecodeRuneInString(text)
		text = text[size:]
		switch {
		case r == '\r':
			column = 0
			continue
		case r == '\n':
			row, column = row+1, 0
		default:
			if runewidth.StringWidth(lines[row])+runewidth.RuneWidth(r) > columns {
				row, column = row+1, 0
			}
		}
		if row == len(lines) {
			lines = append(lines, "")
		}
		if r != '\n' {
			lines[row] = lines[row][:column] + string(r)
			column = len(lines[row])
		}
	}
	return strings.Join(lines, "\n")
}
