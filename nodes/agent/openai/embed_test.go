package openai_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/internal/suites"
	"github.com/graphrun/graphrun/nodes/agent"
	"github.com/graphrun/graphrun/nodes/agent/agenttest"
	"github.com/graphrun/graphrun/nodes/agent/openai"
)

func embedder(t *testing.T, url string) agent.Embedder {
	t.Helper()
	m, err := openai.New(agent.ProviderConfig{BaseURL: url})
	if err != nil {
		t.Fatal(err)
	}
	return m.(agent.Embedder)
}

// TestEmbeddingCassettes: recorded vectors, which are in base64.
func TestEmbeddingCassettes(t *testing.T) {
	t.Parallel()
	for _, e := range suites.Exchanges(t, "embeddings.jsonl") {
		srv := httptest.NewServer(e)
		var asked struct{ Input []string }
		if err := json.Unmarshal([]byte(e.Request), &asked); err != nil {
			t.Fatal(err)
		}
		got, used, err := embedder(t, srv.URL).Embed(t.Context(), "m", asked.Input)
		srv.Close()
		if e.Status != 200 {
			if err == nil {
				t.Errorf("%s: no error", e.ID)
			}
			continue
		}
		if err != nil || len(got) != len(asked.Input) || !used.Reported {
			t.Errorf("%s: %d vectors, %+v, %v", e.ID, len(got), used, err)
			continue
		}
		for _, v := range got {
			sum := 0.0
			for _, x := range v {
				sum += float64(x) * float64(x)
			}
			if len(v) < 512 || sum < 0.98 || sum > 1.02 {
				t.Errorf("%s: %d numbers, squares %g: want a vector of length 1", e.ID, len(v), sum)
			}
		}
	}
}

func TestEmbed(t *testing.T) {
	t.Parallel()
	srv := agenttest.New(t, agenttest.Vectors([]float32{1, 0.5}, []float32{0, -2}))
	got, used, err := embedder(t, srv.OpenAI()).Embed(t.Context(), "e", []string{"a", "b"})
	if diff := cmp.Diff([][]float32{{1, 0.5}, {0, -2}}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if want := (agent.Usage{Input: 10, Reported: true}); used != want {
		t.Errorf("%+v", used)
	}
	q := srv.Asked()[0]
	if diff := cmp.Diff([]string{"a", "b"}, q.Inputs); diff != "" || q.Model != "e" {
		t.Error(diff, q.Model)
	}
	if v, _, err := embedder(t, "http://127.0.0.1:1").Embed(t.Context(), "e", nil); v != nil || err != nil {
		t.Error("no texts need no question", err)
	}
	for body, want := range map[string]string{
		`{"data":[{"index":1,"embedding":[2]},{"index":0,"embedding":[1]}]}`: "",
		`{"data":[{"embedding":"AACAPw=="},{"embedding":[2]}]}`:              "",
		`{"data":[{"embedding":[1]}]}`:                                       "0 numbers for text 2",
		`{"data":[{"embedding":[1]},{"embedding":[1,2]}]}`:                   "2 numbers for text 2",
		`{"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]}`: "index 0",
		`{"data":[{"index":9,"embedding":[1]}]}`:                             "index 9",
		`{"data":[{"index":-1,"embedding":[1]}]}`:                            "index -1",
		`{"data":[{"embedding":"AAA="},{"embedding":"AAA="}]}`:               "vector 0",
		`{"data":[{"embedding":"AADAfw=="},{"embedding":[2]}]}`:              "not finite",
		`{"data":[{"embedding":["x"]},{"embedding":[2]}]}`:                   "vector 0",
		`{"error":{"message":"no such model"}}`:                              "no such model",
		`hello`:                                                              "not one of embeddings",
	} {
		srv := agenttest.New(t, agenttest.Reply{Body: body, Vectors: [][]float32{}})
		v, _, err := embedder(t, srv.OpenAI()).Embed(t.Context(), "e", []string{"a", "b"})
		switch {
		case want == "" && (err != nil || cmp.Diff([][]float32{{1}, {2}}, v) != ""):
			t.Errorf("%s: %v %v", body, v, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: the error is %v, want %q", body, err, want)
		}
	}
}
