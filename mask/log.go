package mask

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
)

// Logger returns a logger that passes everything on to l, with the secrets masked
// in messages, keys and attributes.
func (m *Masker) Logger(l *slog.Logger) *slog.Logger {
	if m == nil {
		return l
	}
	return slog.New(handler{l.Handler(), m})
}

// handler masks what it passes to the next handler.
type handler struct {
	next   slog.Handler
	masker *Masker
}

func (h handler) Enabled(ctx context.Context, l slog.Level) bool { return h.next.Enabled(ctx, l) }

func (h handler) Handle(ctx context.Context, r slog.Record) error {
	out := slog.NewRecord(r.Time, r.Level, h.masker.Text(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		out.AddAttrs(h.attr(a))
		return true
	})
	return h.next.Handle(ctx, out)
}

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{h.next.WithAttrs(h.attrs(attrs)), h.masker}
}

func (h handler) WithGroup(name string) slog.Handler {
	return handler{h.next.WithGroup(name), h.masker}
}

func (h handler) attrs(in []slog.Attr) []slog.Attr {
	out := make([]slog.Attr, len(in))
	for i, a := range in {
		out[i] = h.attr(a)
	}
	return out
}

// attr masks one attribute. A value that is neither text nor number nor group is
// replaced by its masked text when a handler could write a secret for it.
func (h handler) attr(a slog.Attr) slog.Attr {
	v := a.Value.Resolve()
	switch v.Kind() {
	case slog.KindString:
		v = slog.StringValue(h.masker.Text(v.String()))
	case slog.KindInt64, slog.KindUint64, slog.KindFloat64:
		if h.masker.numbers[v.String()] {
			v = slog.StringValue(Mark)
		}
	case slog.KindGroup:
		v = slog.GroupValue(h.attrs(v.Group())...)
	case slog.KindAny:
		for _, text := range textsOf(v.Any()) {
			if hidden := h.masker.Text(text); hidden != text {
				v = slog.StringValue(hidden)
				break
			}
		}
	}
	return slog.Attr{Key: h.masker.Text(a.Key), Value: v}
}

// textsOf returns what handlers may write for a value: text, bytes, JSON.
func textsOf(v any) []string {
	texts := []string{fmt.Sprintf("%+v", v)}
	if r := reflect.ValueOf(v); r.Kind() == reflect.Slice && r.Type().Elem().Kind() == reflect.Uint8 {
		texts = append(texts, string(r.Bytes()))
	}
	if b, err := json.Marshal(v); err == nil {
		texts = append(texts, string(b))
	}
	return texts
}
