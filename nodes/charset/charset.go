package charset

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
)

// Find gives the decoder of a charset by any of its labels, in any case. It is
// false for a label that the Encoding standard does not list. It is made for
// std.WithCharsets, and may be called from many goroutines.
func Find(label string) (decode func([]byte) ([]byte, error), ok bool) {
	enc, err := htmlindex.Get(label)
	if err != nil {
		return nil, false
	}
	if strings.EqualFold(label, "utf-16") { // either byte order, as the mark at its start says
		enc = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	}
	return func(body []byte) ([]byte, error) {
		text, err := enc.NewDecoder().Bytes(body)
		if err != nil {
			return nil, fmt.Errorf("it is not in its charset %s: %w", label, err)
		}
		// Decoders put this character in the place of bytes that they cannot read.
		if at := bytes.IndexRune(text, utf8.RuneError); at >= 0 {
			return nil, fmt.Errorf("it has bytes that its charset %s does not know, after %.40q", label, text[max(0, at-20):at])
		}
		return text, nil
	}, true
}
