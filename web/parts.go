package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"net/http"
	"strings"
)

// parts are pieces of a page that are named by what is in them. A browser that has the page
// already says which parts it has; it gets those again as empty elements, and leaves its own
// as they are. So a change costs what changed, not what the page shows.
type parts struct {
	texts map[string][]byte // by name; the parts within one stand in it as references
}

// partsHeader lists the names of the parts that a browser has.
const partsHeader = "X-Parts"

// partEdge stands around the name of a part where its text belongs. No template writes it.
const partEdge = '\x00'

// Part renders a template as a part: an element with an id that no other of the page has.
func (p *parts) Part(tag, id, name string, view any) (template.HTML, error) {
	var b bytes.Buffer
	if err := pages().ExecuteTemplate(&b, name, view); err != nil {
		return "", err
	}
	h := sha256.New()
	h.Write([]byte(id))
	h.Write([]byte{partEdge})
	h.Write(b.Bytes())
	key := base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:9])
	if p.texts == nil {
		p.texts = map[string][]byte{}
	}
	p.texts[key] = b.Bytes()
	edge := string(rune(partEdge))
	// The text is what a template made, and it stays where texts of a page may stand.
	return template.HTML("<" + tag + ` id="` + template.HTMLEscapeString(id) + `" data-part="` + key + `"` + edge + key + edge + "</" + tag + ">"), nil //nolint:gosec // see above
}

// assemble puts the texts of the parts where they belong, but for those that the browser has.
func (p *parts) assemble(page []byte, have map[string]bool) []byte {
	out := bytes.NewBuffer(make([]byte, 0, 2*len(page)))
	p.put(out, page, have)
	return out.Bytes()
}

func (p *parts) put(out *bytes.Buffer, text []byte, have map[string]bool) {
	for {
		before, rest, found := bytes.Cut(text, []byte{partEdge})
		out.Write(before)
		if !found {
			return
		}
		key, after, _ := bytes.Cut(rest, []byte{partEdge})
		if have[string(key)] {
			out.WriteString(" data-same>")
		} else {
			out.WriteByte('>')
			p.put(out, p.texts[string(key)], have)
		}
		text = after
	}
}

// partsIn are the parts that a browser has.
func partsIn(r *http.Request) map[string]bool {
	have := map[string]bool{}
	for key := range strings.FieldsSeq(r.Header.Get(partsHeader)) {
		have[key] = true
	}
	return have
}
