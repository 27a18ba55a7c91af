package mask

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
)

// TestMaskedLog: whatever a value is, and whichever handler writes it.
func TestMaskedLog(t *testing.T) {
	t.Parallel()
	const secret = "hunter2hunter2"
	text := secret
	for name, handler := range map[string]func(*bytes.Buffer) slog.Handler{
		"text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"JSON": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			m := New([]string{secret, "12345678"})
			log := m.Logger(slog.New(handler(&out))).With("with", secret).WithGroup("g")
			log.Info("message "+secret,
				"text", secret, secret, 1, "bytes", []byte(secret), "raw", json.RawMessage(`"`+secret+`"`),
				"error", errors.New(secret), "struct", struct{ P *string }{&text}, "map", map[string]any{secret: secret},
				slog.Group("group", "a", secret), "number", 7, "pin", 12345678, "clean", []int{1})
			if got := out.String(); strings.Contains(got, secret) || strings.Contains(got, "aHVudGVy") || strings.Contains(got, "12345678") {
				t.Errorf("the secret is in the log:\n%s", got)
			} else if !strings.Contains(got, "message ***") || !strings.Contains(got, "7") {
				t.Errorf("got:\n%s", got)
			}
		})
	}
}
