package diag

import (
	"strings"
	"testing"
)

func TestSuggest(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		word  string
		among []string
		want  string
	}{
		{"planer", []string{"builder", "planner"}, `did you mean "planner"?`},
		{"pndng", []string{"done", "pending"}, `did you mean "pending"?`},
		{"Todo", []string{"todo"}, `did you mean "todo"?`},
		{"ab", []string{"ax", "ay"}, `did you mean "ax"?`},
		{"nmae", []string{"nodes", "name"}, `did you mean "name"?`},
		{"eman", []string{"name"}, ""},
		{"weather", []string{"planner"}, ""},
		{"a", nil, ""},
		{"Größe", []string{"breite", "größe"}, `did you mean "größe"?`},
		{"n-12", []string{"n-1", "n-21", "n-2"}, `did you mean "n-1"?`},
		{strings.Repeat("a", 1<<20), []string{strings.Repeat("a", 1<<20) + "b"}, ""},
	} {
		if got := Suggest(tt.word, tt.among); got != tt.want {
			t.Errorf("Suggest(%q, %q) = %s, want %s", tt.word, tt.among, got, tt.want)
		}
	}
}
