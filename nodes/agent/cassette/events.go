package cassette

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// maskedBody is masked for the body of an answer. In a stream a secret may come in pieces,
// one for each event: pieces that belong together are masked as one text.
func maskedBody(mask func(string) string, contentType, body string) string {
	if mask == nil || !strings.HasPrefix(contentType, "text/event-stream") {
		return masked(mask, body)
	}
	lines := strings.SplitAfter(body, "\n")
	pieces := map[string]*joined{}
	data := make([]any, len(lines))
	for i, line := range lines {
		text, ok := strings.CutPrefix(line, "data:")
		if !ok {
			continue
		}
		if v, ok := readJSON(text); ok {
			data[i] = v
			gather(pieces, "", v, func() { lines[i] = "data: " + jsonText(v) + lineEnd(line) })
		}
	}
	for _, path := range slices.Sorted(maps.Keys(pieces)) {
		pieces[path].mask(mask)
	}
	for i := range lines {
		if text, ok := strings.CutPrefix(lines[i], "data:"); ok && data[i] != nil {
			end := lineEnd(text)
			lines[i] = "data:" + masked(mask, strings.TrimSuffix(text, end)) + end
		}
	}
	return mask(strings.Join(lines, ""))
}

// lineEnd is the end of a line, "" if it has none.
func lineEnd(line string) string { return line[len(strings.TrimRight(line, "\r\n")):] }

// joined are the texts at one place of the events of a stream.
type joined struct {
	texts []string
	put   []func(text string)
}

// mask masks the texts as one: what stands there comes in the first event, if it holds a
// secret.
func (j *joined) mask(mask func(string) string) {
	all := strings.Join(j.texts, "")
	out := mask(all)
	if len(j.texts) < 2 || out == all {
		return
	}
	j.put[0](out)
	for _, put := range j.put[1:] {
		put("")
	}
}

// gather collects the texts of an event by their places. An element of a list stands at
// its `index`, if it has one; so does an event. changed is called after a text was put.
func gather(pieces map[string]*joined, path string, v any, changed func()) {
	add := func(at string, text string, put func(string)) {
		j := pieces[at]
		if j == nil {
			j = &joined{}
			pieces[at] = j
		}
		j.texts = append(j.texts, text)
		j.put = append(j.put, func(text string) { put(text); changed() })
	}
	switch v := v.(type) {
	case map[string]any:
		if n, ok := v["index"].(json.Number); ok {
			path += "#" + n.String()
		}
		for _, key := range keysOf(v) {
			if text, ok := v[key].(string); ok {
				add(path+"."+key, text, func(text string) { v[key] = text })
				continue
			}
			gather(pieces, path+"."+key, v[key], changed)
		}
	case []any:
		for i, at := range v {
			place := path + "[" + strconv.Itoa(i) + "]"
			if m, ok := at.(map[string]any); ok && m["index"] != nil {
				place = path + "[]"
			}
			if text, ok := at.(string); ok {
				add(place, text, func(text string) { v[i] = text })
				continue
			}
			gather(pieces, place, at, changed)
		}
	}
}

func keysOf(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }
