package diag

import "testing"

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
	} {
		if got := Suggest(tt.word, tt.among); got != tt.want {
			t.Errorf("Suggest(%q, %q) = %s, want %s", tt.word, tt.among, got, tt.want)
		}
	}
}
