package cassette

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/graphrun/graphrun/graph/value"
)

const (
	maxDiffs = 4  // differences that are shown
	maxShown = 80 // bytes of each side of one
)

// nearest is the recorded question that is most like m; nil if none is of its API.
func nearest(m meaning, recorded []*exchange) *exchange {
	var best *exchange
	most := -1.0
	for _, x := range recorded {
		if s := likeness(m, x.meaning()); s > most {
			best, most = x, s
		}
	}
	return best
}

// likeness is larger for questions that are more alike; negative for those of different
// APIs. The messages count most: two questions of one conversation differ in the last of
// them.
func likeness(a, b meaning) float64 {
	if a["api"] != b["api"] {
		return -1
	}
	s := 0.0
	for _, key := range []string{"model", "tools", "schema"} {
		if value.Equal(a[key], b[key]) {
			s++
		}
	}
	list := "messages"
	if a[list] == nil && b[list] == nil {
		list = "input"
	}
	x, _ := a[list].([]any)
	y, _ := b[list].([]any)
	same := 0
	for same < min(len(x), len(y)) && value.Equal(x[same], y[same]) {
		same++
	}
	s += 4 * float64(2*same) / float64(max(1, len(x)+len(y)))
	if same < min(len(x), len(y)) {
		p, q := value.String(x[same]), value.String(y[same])
		n := common(p, q)
		s += 2 * float64(2*n) / float64(len(p)+len(q)) / float64(1+same)
	}
	return s
}

// common is the length of what two texts begin with and end with together.
func common(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	end := 0
	for end < min(len(a), len(b))-n && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}
	return n + end
}

// differences tells where two questions differ.
func differences(recorded, asked meaning) string {
	d := diff{}
	d.values("", map[string]any(recorded), map[string]any(asked))
	text := strings.Join(d.found, "; ")
	if d.more > 0 {
		text += fmt.Sprintf("; and %d more", d.more)
	}
	return text
}

type diff struct {
	found []string
	more  int
}

func (d *diff) values(path string, recorded, asked any) {
	if value.Equal(recorded, asked) {
		return
	}
	switch r := recorded.(type) {
	case map[string]any:
		if a, ok := asked.(map[string]any); ok {
			for _, key := range keysOf(r) {
				d.values(strings.TrimPrefix(path+"."+key, "."), r[key], a[key])
			}
			for _, key := range keysOf(a) {
				if _, both := r[key]; !both {
					d.values(strings.TrimPrefix(path+"."+key, "."), nil, a[key])
				}
			}
			return
		}
	case []any:
		if a, ok := asked.([]any); ok {
			for i := range max(len(r), len(a)) {
				d.values(path+"["+strconv.Itoa(i)+"]", element(r, i), element(a, i))
			}
			return
		}
	}
	if len(d.found) == maxDiffs {
		d.more++
		return
	}
	r, a := shown(recorded, asked)
	d.found = append(d.found, fmt.Sprintf("%s is %s, recorded is %s", path, a, r))
}

func element(list []any, i int) any {
	if i < len(list) {
		return list[i]
	}
	return nil
}

// shown are two different values as text, cut to where they begin to differ.
func shown(recorded, asked any) (r, a string) {
	r, a = spelled(recorded), spelled(asked)
	from := 0
	for from < min(len(r), len(a)) && r[from] == a[from] {
		from++
	}
	from = max(0, from-maxShown/3)
	return window(r, from), window(a, from)
}

func spelled(v any) string {
	if v == nil {
		return "absent"
	}
	return value.String(v)
}

func window(text string, from int) string {
	if len(text) <= maxShown {
		return text
	}
	from = min(from, len(text)-maxShown)
	out := strings.ToValidUTF8(text[from:from+maxShown], "")
	if from > 0 {
		out = "…" + out
	}
	if from+maxShown < len(text) {
		out += "…"
	}
	return out
}
