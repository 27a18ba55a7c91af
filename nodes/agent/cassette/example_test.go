package cassette_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/graphrun/graphrun/nodes/agent"
	"github.com/graphrun/graphrun/nodes/agent/cassette"
	"github.com/graphrun/graphrun/nodes/agent/openai"
)

// What a provider answered once is answered again without it.
func ExampleRecorder() {
	ctx := context.Background()
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"choices": [{"finish_reason": "stop", "message": {"role": "assistant", "content": "It is a bug."}}]}`)
	}))
	ask := func(through http.RoundTripper) {
		model, err := openai.New(agent.ProviderConfig{Name: "local", BaseURL: provider.URL, HTTP: &http.Client{Transport: through}})
		if err != nil {
			fmt.Println(err)
			return
		}
		answer, err := model.Ask(ctx, &agent.Request{Model: "m", Messages: []agent.Message{{Role: "user", Content: "What is it?"}}}, nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(answer.Message.Content)
	}

	// In a program, the transport is agent.Config.HTTP, and mask hides the secrets.
	var file strings.Builder
	ask(cassette.NewRecorder(&file, nil).Transport(http.DefaultTransport))
	provider.Close()
	player, err := cassette.Load("answers.jsonl", strings.NewReader(file.String()), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	ask(player)
	// Output:
	// It is a bug.
	// It is a bug.
}
