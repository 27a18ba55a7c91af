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
