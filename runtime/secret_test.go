package runtime_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

const tellTale = `pa"ss/wo+rd é`

func TestSecretsAreMaskedEverywhere(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		var log bytes.Buffer
		k.Config.Logger = slog.New(slog.NewJSONHandler(&log, nil))
		k.Config.Secret = func(name string) (string, bool) { return tellTale, name == "TOKEN" }
		k.Reopen()
		k.Node("a", func(_ context.Context, t nodes.Task) (any, error) {
			got := t.With.(map[string]any)["token"].(string)
			t.Logger.Info("using "+got, "token", got, "err", errors.New("bad "+got))
			if got != tellTale {
				return nil, fmt.Errorf("with has %q", got)
			}
			return map[string]any{
				"plain": "it is " + got, "list": []any{map[string]any{"k" + got: got}},
				"url": url.QueryEscape(got), "basic": base64.StdEncoding.EncodeToString([]byte("user:" + got + "!")),
			}, nil
		})
		k.Node("b", func(_ context.Context, t nodes.Task) (any, error) { return nil, errors.New("denied: " + tellTale) })
		r := k.Wait(start(k, def(k.T, `{"graphrun": 1, "name": "secret", "secrets": ["TOKEN"],
			"state": [{"name": "out", "type": "any"}],
			"nodes": [
				{"id": "a", "uses": "work", "with": {"token": "${{ secrets.TOKEN }}"}, "writes": [{"key": "out", "expr": "output"}]},
				{"id": "b", "uses": "work"}],
			"limits": {"cycles": 1}}`)))
		out, _ := r.State["out"].(map[string]any)
		if out["plain"] != "it is ***" {
			t.Errorf("plain = %q, want %q", out["plain"], "it is ***")
		}
		all := fmt.Sprint(r.State) + log.String()
		for _, rec := range k.Records("secret") {
			all += string(journal.AppendRecord(nil, rec, true))
		}
		for _, form := range []string{"ss/wo", "ss%2Fwo", base64.RawStdEncoding.EncodeToString([]byte(tellTale))[4:12]} {
			if strings.Contains(all, form) {
				t.Errorf("%q is in the state, the records or the log:\n%s", form, all)
			}
		}
		if !strings.Contains(all, "denied: ***") || !strings.Contains(log.String(), "using ***") {
			t.Errorf("no masked error or log line in:\n%s", all)
		}
	})
}

func TestAMissingSecretIsNamed(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		g := k.Compile(one(k.T, 1, "", `, "secrets": ["TOKEN", "KEY"]`))
		_, err := k.Runtime.Start(k.T.Context(), g, runtime.StartOptions{})
		var missing *runtime.SecretError
		if !errors.As(err, &missing) || strings.Join(missing.Names, " ") != "TOKEN KEY" {
			t.Errorf("start: %v, want TOKEN and KEY to be named", err)
		}
	})
}

// paid is work that may use every secret of its graph.
type paid struct{ got map[string]string }

func (p *paid) Run(_ context.Context, t nodes.Task) (nodes.Result, error) {
	for _, name := range []string{"TOKEN", "OTHER"} {
		if v, ok := t.Secret(name); ok {
			p.got[name] = v
		}
	}
	return nodes.Result{Output: 1}, nil
}

// TestSecretsAreFilledInWhereTheWorkIs: whatever an expression makes of them, the work
// gets it, a retry too; and who only asks for them gets none.
func TestSecretsAreFilledInWhereTheWorkIs(t *testing.T) {
	t.Parallel()
	kinds := kinds(t)
	p := &paid{got: map[string]string{}}
	if err := kinds.Register(nodes.Spec{Kind: graph.Kind{Name: "paid", Open: true, Secrets: true}, Node: p}); err != nil {
		t.Fatal(err)
	}
	runtimetest.Run(t, kinds, func(k *runtimetest.Kit) {
		k.Config.Secret = func(name string) (string, bool) { return "hush-hush", name == "TOKEN" }
		k.Reopen()
		var got []any
		k.Node("a", func(_ context.Context, t nodes.Task) (any, error) {
			got = append(got, t.With)
			if t.Secret != nil {
				return nil, nodes.Permanent(errors.New("it could read all secrets"))
			}
			if t.Attempt == 1 {
				return nil, errors.New("again")
			}
			return 1, nil
		})
		r := k.Wait(start(k, def(k.T, `{"graphrun": 1, "name": "secret", "secrets": ["TOKEN"],
			"state": [{"name": "n", "type": "integer", "reduce": {"name": "sum"}, "default": 4}, {"name": "out", "type": "any"}],
			"nodes": [
				{"id": "a", "uses": "work", "retry": {"attempts": 2}, "writes": [{"key": "n", "expr": "output"}],
				 "with": {"text": "Bearer ${{ secrets.TOKEN }}", "sum": "${{ len(secrets.TOKEN) + state.n }}", "plain": "${{ state.n }}"}},
				{"id": "b", "uses": "paid", "writes": [{"key": "n", "expr": "output"}]},
				{"id": "c", "uses": "set", "with": {"v": "Bearer ${{ secrets.TOKEN }}"}, "writes": [{"key": "out", "expr": "output.v"}]}],
			"stop": [{"when": "state.n == 6"}]}`)))
		with := map[string]any{"text": "Bearer hush-hush", "sum": int64(13), "plain": int64(4)}
		if d := cmp.Diff([]any{with, with}, got); d != "" {
			t.Errorf("with (-want +got)\n%s", d)
		}
		if d := cmp.Diff(map[string]string{"TOKEN": "hush-hush"}, p.got); d != "" {
			t.Errorf("a kind that may read secrets (-want +got)\n%s", d)
		}
		if r.Status != journal.Completed || r.State["out"] != "Bearer ***" {
			t.Errorf("%s, out is %v", r.Status, r.State["out"])
		}
	})
}
