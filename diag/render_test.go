package diag_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/diag"
)

// at is a span on one line.
func at(line, from, to int) diag.Span {
	return diag.Span{File: "f.yaml", Start: diag.Pos{Line: line, Col: from}, End: diag.Pos{Line: line, Col: to}}
}

func TestRender(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 300) + "culprit" + strings.Repeat("y", 300)
	tests := []struct {
		name, src string
		span      diag.Span
		want      string
	}{
		{"plain", "a: b\n", at(1, 4, 5), "  a: b\n     ^\n"},
		{"tab", "a:\tb\n", at(1, 4, 5), "  a: b\n     ^\n"},
		{"wide characters", "a: 日本 b\n", at(1, 4, 6), "  a: 日本 b\n     ^^^^\n"},
		{"behind wide characters", "日本: b\n", at(1, 5, 6), "  日本: b\n        ^\n"},
		{"escape sequences", "a: \x1b[31mb\n", at(1, 9, 10), "  a: \\u001b[31mb\n               ^\n"},
		{"text that turns around", "a: \u202eb\n", at(1, 5, 6), "  a: \\u202eb\n           ^\n"},
		{"long line", long, at(1, 301, 308), "  …" + strings.Repeat("x", 40) + "culprit" + strings.Repeat("y", 73) + "…\n   " + strings.Repeat(" ", 40) + "^^^^^^^\n"},
		{"end of the line", "a:\n", at(1, 3, 4), "  a:\n    ^\n"},
		{"behind the file", "a:\n", at(9, 1, 2), ""},
		{"CR LF", "a\r\nb: c\r\n", at(2, 4, 5), "  b: c\n     ^\n"},
		{"byte order mark", "\uFEFFa: b", at(1, 1, 2), "  a: b\n  ^\n"},
		{"over lines", "a: {b,\n c}\n", diag.Span{File: "f.yaml", Start: diag.Pos{Line: 1, Col: 4}, End: diag.Pos{Line: 2, Col: 4}}, "  a: {b,\n     ^^^\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var list diag.List
			list.Add(diag.WrongType, tt.span, "", "bad")
			var out bytes.Buffer
			if err := diag.Render(&out, list, map[string][]byte{"f.yaml": []byte(tt.src)}, diag.Options{}); err != nil {
				t.Fatal(err)
			}
			_, got, _ := strings.Cut(out.String(), "[wrong-type]\n")
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// sample has an error with help, a warning and a problem without a place.
func sample() (diag.List, map[string][]byte) {
	var list diag.List
	list.Add(diag.UnknownField, at(2, 3, 7), "did you mean \"when\"?", "the edge has no field %q", "wehn\x1b[2J")
	list.Add(diag.NoStop, at(1, 1, 2), "", "100%% endless,\nreally")
	list.Add(diag.MissingFile, diag.Span{File: "g h.yaml"}, "", "there is no such file")
	return list, map[string][]byte{"f.yaml": []byte("a:\n  wehn: 1\n")}
}

func TestRenderColorAndControl(t *testing.T) {
	t.Parallel()
	list, sources := sample()
	var bare, colored bytes.Buffer
	if err := diag.Render(&bare, list, sources, diag.Options{}); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsRune(bare.String(), '\x1b') {
		t.Errorf("an escape byte without color: %q", bare.String())
	}
	if !strings.HasPrefix(bare.String(), "f.yaml:2:3: error: the edge has no field \"wehn\\x1b[2J\" [unknown-field]\n    wehn: 1\n    ^^^^\n  help: did you mean \"when\"?\n") {
		t.Errorf("got %q", bare.String())
	}
	if err := diag.Render(&colored, list, sources, diag.Options{Color: true}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(colored.String(), "\x1b[1;31merror:\x1b[0m") || strings.Contains(colored.String(), "\x1b[2J") {
		t.Errorf("got %q", colored.String())
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	list, sources := sample()
	var out bytes.Buffer
	if err := diag.JSON(&out, list[1:2], sources, false); err != nil {
		t.Fatal(err)
	}
	want := `{"valid":true,"diagnostics":[{"file":"f.yaml","line":1,"column":1,"end_column":2,"severity":"warning","code":"no-stop","message":"100% endless,\nreally","help":""}]}` + "\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for _, tt := range []struct {
		list   diag.List
		strict bool
		want   bool
	}{{nil, true, true}, {list[:1], false, false}, {list[1:2], false, true}, {list[1:2], true, false}} {
		if got := diag.NewReport(tt.list, sources, tt.strict).Valid; got != tt.want {
			t.Errorf("valid of %v (strict %v) = %v", tt.list, tt.strict, got)
		}
	}
	out.Reset()
	if err := diag.JSON(&out, nil, nil, false); err != nil || out.String() != `{"valid":true,"diagnostics":[]}`+"\n" {
		t.Errorf("got %q, %v", out.String(), err)
	}
}

func TestGitHub(t *testing.T) {
	t.Parallel()
	list, sources := sample()
	var out bytes.Buffer
	if err := diag.GitHub(&out, list[1:], sources); err != nil {
		t.Fatal(err)
	}
	want := "::warning file=f.yaml,line=1,col=1,endColumn=2,title=no-stop::100%25 endless,%0Areally\n" +
		"::error file=g h.yaml,title=missing-file::there is no such file\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestSARIF(t *testing.T) {
	t.Parallel()
	list, sources := sample()
	var out bytes.Buffer
	if err := diag.SARIF(&out, list, sources, "1.2.3"); err != nil {
		t.Fatal(err)
	}
	var log map[string]any
	if err := json.Unmarshal(out.Bytes(), &log); err != nil {
		t.Fatal(err)
	}
	run := log["runs"].([]any)[0].(map[string]any)
	first := run["results"].([]any)[0].(map[string]any)
	region := first["locations"].([]any)[0].(map[string]any)["physicalLocation"].(map[string]any)["region"]
	if diff := cmp.Diff(map[string]any{"startLine": 2.0, "startColumn": 3.0, "endColumn": 7.0}, region); diff != "" {
		t.Errorf("region: %s", diff)
	}
	third := run["results"].([]any)[2].(map[string]any)
	place := third["locations"].([]any)[0].(map[string]any)["physicalLocation"]
	if diff := cmp.Diff(map[string]any{"artifactLocation": map[string]any{"uri": "g%20h.yaml"}}, place); diff != "" {
		t.Errorf("place: %s", diff)
	}
	if log["version"] != "2.1.0" || len(run["tool"].(map[string]any)["driver"].(map[string]any)["rules"].([]any)) != 3 {
		t.Errorf("got %s", out.String())
	}
}

// TestError: a problem of a graph that was built in Go has no place.
func TestError(t *testing.T) {
	t.Parallel()
	var l diag.List
	l.Add(diag.UnknownKind, diag.Span{}, "did you mean \"set\"?", "unknown kind %q", "sett")
	l.Add(diag.NoStop, diag.Span{File: "g.yaml", Start: diag.Pos{Line: 2, Col: 3}}, "", "nothing ends it")
	if diff := cmp.Diff("error: unknown kind \"sett\" [unknown-kind]\ng.yaml:2:3: warning: nothing ends it [no-stop]", l.Error()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
