package cli

import (
	"cmp"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/runtime/api"
)

// TestOperatingPage: the page on operating lists every route of the API.
func TestOperatingPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range api.Routes() {
		role := cmp.Or(string(r.Role), "none")
		if r.Local {
			role = "control socket only"
		}
		row := fmt.Sprintf("| %s | `%s` | %s | %s |", r.Method, r.Path, r.Doc, role)
		if !strings.Contains(string(page), row) {
			t.Errorf("docs/operating.md lacks the row %q", row)
		}
	}
}
