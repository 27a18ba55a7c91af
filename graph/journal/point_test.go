package journal

import "testing"

// What String writes, ParsePoint reads.
func TestPoints(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Point{
		"": {}, "0": {Start: true}, "3": {Cycle: 3}, "3.0": {Cycle: 3, Start: true}, "3.2": {Cycle: 3, Wave: 2},
	} {
		got, err := ParsePoint(text)
		if err != nil || got != want {
			t.Errorf("%q is %+v (%v), want %+v", text, got, err, want)
		}
		if text != "" && got.String() != text {
			t.Errorf("%+v is written %q, want %q", got, got, text)
		}
	}
	for _, wrong := range []string{"0.0", "0.1", "x", "1.", ".1", "-1", "1.2.3", "18446744073709551616"} {
		if p, err := ParsePoint(wrong); err == nil {
			t.Errorf("%q is %+v, want an error", wrong, p)
		}
	}
	if (Point{Cycle: 3, Start: true}).After(3) || !(Point{Cycle: 3, Start: true}).After(2) || (Point{Start: true}).After(0) {
		t.Error("the start of a cycle comes after the end of the one before, and not after its own")
	}
}
