package runtime

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFormsOfASecretWithinBase64(t *testing.T) {
	t.Parallel()
	s := &secrets{replacer: newReplacer(formsOf("correct-horse"))}
	for before := range 6 {
		for after := range 4 {
			text := strings.Repeat("a", before) + "correct-horse" + strings.Repeat("z", after)
			for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawStdEncoding} {
				got := s.mask(enc.EncodeToString([]byte(text))).(string)
				if !strings.Contains(got, masked) || strings.Contains(got, "cnJlY3Q") {
					t.Errorf("%d before, %d after: %q", before, after, got)
				}
			}
		}
	}
}

func TestMaskSharesWhatHoldsNoSecret(t *testing.T) {
	t.Parallel()
	s := &secrets{replacer: newReplacer(formsOf("hunter2"))}
	clean := []any{int64(1), map[string]any{"a": "b"}, nil}
	in := map[string]any{"clean": clean, "hunter2": []any{"x hunter2 y", int64(2)}}
	out := s.mask(in).(map[string]any)
	want := map[string]any{"clean": clean, "***": []any{"x *** y", int64(2)}}
	if diff := cmp.Diff(want, out); diff != "" {
		t.Errorf("mask (-want +got):\n%s", diff)
	}
	if &out["clean"].([]any)[0] != &clean[0] {
		t.Error("a part without a secret was copied")
	}
	if _, changed := in["hunter2"]; !changed {
		t.Error("the original was changed")
	}
}

func TestShortSecretsAreMaskedAsTheyAre(t *testing.T) {
	t.Parallel()
	for secret, want := range map[string][]string{"": nil, "abc": {"abc"}} {
		if diff := cmp.Diff(want, formsOf(secret)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", secret, diff)
		}
	}
}
