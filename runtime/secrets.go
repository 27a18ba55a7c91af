package runtime

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/machine"
)

// masked stands where a secret stood.
const masked = "***"

// shortSecret is the length below which only the value itself is masked: the
// encoded forms of shorter ones would hit text that has nothing to do with it.
const shortSecret = 4

// secrets are the values that a stack's graphs name.
type secrets struct {
	values   map[string]any
	replacer *strings.Replacer // nil: nothing to mask
}

// secretsOf looks up the secrets of some graphs; nil ones are skipped.
func (rt *Runtime) secretsOf(graphs ...*graph.Graph) (*secrets, error) {
	s, missing := rt.knownSecrets(graphs...)
	if missing != nil {
		return nil, missing
	}
	return s, nil
}

// knownSecrets are those that are set, with an error for the first graph that
// needs others.
func (rt *Runtime) knownSecrets(graphs ...*graph.Graph) (s *secrets, missing error) {
	s = &secrets{values: map[string]any{}}
	var forms []string
	for _, g := range graphs {
		if g == nil {
			continue
		}
		var unset []string
		for _, name := range allSecrets(g) {
			v, ok := "", false
			if rt.cfg.Secret != nil {
				v, ok = rt.cfg.Secret(name)
			}
			if !ok {
				unset = append(unset, name)
				continue
			}
			s.values[name] = v
			forms = append(forms, formsOf(v)...)
		}
		if len(unset) > 0 && missing == nil {
			missing = &SecretError{g.Name, unset}
		}
	}
	if len(forms) > 0 {
		s.replacer = newReplacer(forms)
	}
	return s, missing
}

// allSecrets are the names of a graph and of those that its nodes run.
func allSecrets(g *graph.Graph) []string {
	list := slices.Clone(g.Secrets)
	for i := range g.Nodes {
		inner := g.Nodes[i].Inner
		if inner == nil {
			continue
		}
		for _, name := range allSecrets(inner) {
			if !slices.Contains(list, name) {
				list = append(list, name)
			}
		}
	}
	return list
}

// newReplacer masks all forms, longer ones first: one may hold another.
func newReplacer(forms []string) *strings.Replacer {
	slices.SortFunc(forms, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b))
	})
	forms = slices.Compact(forms)
	pairs := make([]string, 0, 2*len(forms))
	for _, f := range forms {
		pairs = append(pairs, f, masked)
	}
	return strings.NewReplacer(pairs...)
}

// formsOf lists how a secret may show itself: as it is, within JSON, a URL or
// base64 (there also as a part of a longer text, as in `Authorization: Basic`).
// An empty secret has none.
func formsOf(v string) []string {
	if len(v) < shortSecret {
		if v == "" {
			return nil
		}
		return []string{v}
	}
	forms := []string{v, url.QueryEscape(v), url.PathEscape(v), inJSON(v, true), inJSON(v, false)}
	for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		// Three bytes become four characters: what stands around the secret
		// moves it by 0, 1 or 2 bytes, and decides the characters at its ends.
		for before := range 3 {
			text := enc.EncodeToString(append(make([]byte, before), v...))
			first := (before*8 + 5) / 6
			last := (before + len(v)) * 8 / 6
			if inner := text[first:last]; len(inner) >= shortSecret {
				forms = append(forms, inner)
			}
		}
	}
	return forms
}

// inJSON is v as it stands between the quotes of a JSON string.
func inJSON(v string, html bool) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(html)
	_ = e.Encode(v) // a string can always be encoded
	text := strings.TrimSuffix(b.String(), "\n")
	return text[1 : len(text)-1]
}

// options share the secrets with the machine: take adds to what it has.
func (s *secrets) options() machine.Options {
	return machine.Options{Secrets: s.values, Mask: s.mask, Fleets: true}
}

// take adds the secrets of a definition that is taken up. All is the secrets of
// the old one and of the new one.
func (s *secrets) take(all *secrets) {
	maps.Copy(s.values, all.values)
	s.replacer = all.replacer
}

// mask hides the secrets in a canonical value, in keys too.
func (s *secrets) mask(v any) any {
	if s.replacer == nil {
		return v
	}
	out, _ := s.hide(v)
	return out
}

// hide is mask, and says whether there was anything to hide: what holds no
// secret is shared with the original.
func (s *secrets) hide(v any) (any, bool) {
	switch v := v.(type) {
	case string:
		out := s.replacer.Replace(v)
		return out, out != v
	case []any:
		out, hidden := v, false
		for i, it := range v {
			m, h := s.hide(it)
			if !h {
				continue
			}
			if !hidden {
				out, hidden = slices.Clone(v), true
			}
			out[i] = m
		}
		return out, hidden
	case map[string]any:
		out, hidden := v, false
		for k, it := range v {
			m, h := s.hide(it)
			name := s.replacer.Replace(k)
			if !h && name == k {
				continue
			}
			if !hidden {
				out, hidden = maps.Clone(v), true
			}
			delete(out, k)
			out[name] = m
		}
		return out, hidden
	}
	return v, false
}
