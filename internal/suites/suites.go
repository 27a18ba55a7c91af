package suites

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

// Variable names the folder that holds `suites` and `cassettes`, when it is not the folder
// `shared` beside the repository.
const Variable = "GRAPHRUN_SHARED"

// Path returns the absolute path of a file or folder below `suites`, for
// example Path(t, "expr", "generated.txt"). It skips the test when the path
// does not exist.
func Path(t testing.TB, name ...string) string {
	t.Helper()
	return path(t, "suites", name)
}

// Cassette returns the absolute path of a file of recorded exchanges below
// `cassettes`. It skips the test when the file does not exist.
func Cassette(t testing.TB, name string) string {
	t.Helper()
	return path(t, "cassettes", []string{name})
}

// Exchange is a question and its answer, as they were recorded.
type Exchange struct {
	ID          string `json:"id"`
	Host        string `json:"host"`
	Path        string `json:"path"`
	Request     string `json:"request"`
	Status      int    `json:"status"`
	ContentType string `json:"content_type"`
	RetryAfter  string `json:"retry_after"`
	Body        string `json:"body"`
}

// Exchanges reads a file of recorded exchanges, see Cassette.
func Exchanges(t testing.TB, name string) []Exchange {
	t.Helper()
	f, err := os.Open(Cassette(t, name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []Exchange
	for dec := json.NewDecoder(f); ; {
		var e Exchange
		if err := dec.Decode(&e); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
}

// ServeHTTP answers any request as it was answered then.
func (e Exchange) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", e.ContentType)
	if e.RetryAfter != "" {
		w.Header().Set("Retry-After", e.RetryAfter)
	}
	w.WriteHeader(e.Status)
	_, _ = io.WriteString(w, e.Body)
}

func path(t testing.TB, folder string, name []string) string {
	t.Helper()
	shared := os.Getenv(Variable)
	if shared == "" {
		shared = filepath.Join(repository(t), "..", "shared")
	}
	path := filepath.Join(append([]string{shared, folder}, name...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("SKIPPED, the test's data is absent: %v (set %s to the folder that holds %s/)", err, Variable, folder)
	}
	return path
}

// repository returns the closest folder above the test's that has a go.mod.
func repository(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no folder above the test's has a go.mod")
		}
		dir = up
	}
}
