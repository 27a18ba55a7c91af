package late

import "testing"

func TestRegexp(t *testing.T) {
	t.Parallel()
	word := Regexp(`^[a-z]+$`)
	if !word().MatchString("abc") || word().MatchString("a1") {
		t.Error("the pattern is another one")
	}
	if first, again := word(), word(); first != again {
		t.Error("it was compiled twice")
	}
	wrong := Regexp(`(`) // says nothing until it is used
	defer func() {
		if recover() == nil {
			t.Error("a text that is no pattern did not panic")
		}
	}()
	wrong()
}
