package runtime

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
)

// logger is l with the secrets masked in messages and attributes.
func (s *secrets) logger(l *slog.Logger) *slog.Logger {
	if s.masker == nil {
		return l
	}
	return slog.New(maskHandler{l.Handler(), s.masker})
}

// maskHandler masks what passes to the next handler.
type maskHandler struct {
	next   slog.Handler
	masker *masker
}

func (h maskHandler) Enabled(ctx context.Context, l slog.Level) bool { return h.next.Enabled(ctx, l) }

func (h maskHandler) Handle(ctx context.Context, r slog.Record) error {
	out := slog.NewRecord(r.Time, r.Level, h.masker.Replace(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		out.AddAttrs(h.attr(a))
		return true
	})
	return h.next.Handle(ctx, out)
}

func (h maskHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return maskHandler{h.next.WithAttrs(h.attrs(attrs)), h.masker}
}

func (h maskHandler) WithGroup(name string) slog.Handler {
	return maskHandler{h.next.WithGroup(name), h.masker}
}

func (h maskHandler) attrs(in []slog.Attr) []slog.Attr {
	out := make([]slog.Attr, len(in))
	for i, a := range in {
		out[i] = h.attr(a)
	}
	return out
}

// attr masks one attribute. A value that is no plain one is logged as a text
// without secrets when one of the texts that handlers make of it has any.
func (h maskHandler) attr(a slog.Attr) slog.Attr {
	v := a.Value.Resolve()
	switch v.Kind() {
	case slog.KindString:
		v = slog.StringValue(h.masker.Replace(v.String()))
	case slog.KindInt64, slog.KindUint64, slog.KindFloat64:
		if h.masker.numbers[v.String()] {
			v = slog.StringValue(masked)
		}
	case slog.KindGroup:
		v = slog.GroupValue(h.attrs(v.Group())...)
	case slog.KindAny:
		for _, text := range textsOf(v.Any()) {
			if hidden := h.masker.Replace(text); hidden != text {
				v = slog.StringValue(hidden)
				break
			}
		}
	}
	return slog.Attr{Key: h.masker.Replace(a.Key), Value: v}
}

// textsOf are the ways in which handlers write a value: as text, as bytes, as
// JSON.
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
