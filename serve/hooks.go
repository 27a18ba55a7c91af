package serve

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/runtime"
)

const (
	// HookSecret is the secret that notices to hooks of all graphs are signed with.
	HookSecret = "GRAPHRUN_HOOK_SECRET"

	hookTimeout = 10 * time.Second
	// maxHookAnswer is how much is read of an answer: nobody looks at it.
	maxHookAnswer = 64 << 10
)

// Notices deliver what stacks say to hooks over HTTP: to those of their graphs, and to urls,
// which hear of all graphs. Each notice is a POST of JSON with the headers
//
//	Graphrun-Delivery   its id, the same at every try
//	Graphrun-Event      what happened
//	Graphrun-Signature  sha256=HEX, the HMAC-SHA256 of the body with the hook's secret
//
// An answer with a status of 2xx takes it; redirects are not followed. secret looks up the
// secrets of hooks; one that is not set keeps their notices waiting.
func Notices(urls []string, secret func(name string) (string, bool)) runtime.Notices {
	client := &http.Client{
		Timeout:       hookTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	out := runtime.Notices{Timeout: hookTimeout, Post: func(ctx context.Context, n runtime.Notice) error {
		key, set := "", false
		if secret != nil {
			key, set = secret(n.Secret)
		}
		if !set || key == "" {
			return fmt.Errorf("the secret %s is not set", n.Secret)
		}
		return post(ctx, client, n, key)
	}}
	for _, u := range urls {
		out.Hooks = append(out.Hooks, graph.Hook{URL: u, Secret: HookSecret})
	}
	return out
}

func post(ctx context.Context, client *http.Client, n runtime.Notice, key string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, n.URL, bytes.NewReader(n.Body))
	if err != nil {
		return err
	}
	sum := hmac.New(sha256.New, []byte(key))
	sum.Write(n.Body)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "graphrun")
	r.Header.Set("Graphrun-Delivery", n.ID)
	r.Header.Set("Graphrun-Event", n.Event)
	r.Header.Set("Graphrun-Signature", "sha256="+hex.EncodeToString(sum.Sum(nil)))
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	_, _ = io.CopyN(io.Discard, resp.Body, maxHookAnswer) // so that the connection can be used again
	if err := resp.Body.Close(); err != nil {
		return err
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return fmt.Errorf("the hook answered %s", resp.Status)
	}
	return nil
}
