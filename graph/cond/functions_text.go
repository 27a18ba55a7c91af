package cond

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"github.com/graphrun/graphrun/graph/schema"
)

// textFunctions work on strings. Lengths and places count characters.
func textFunctions() []*function {
	text, list := gives(schema.StringType), gives(schema.ListOf(schema.StringType))
	truth, place := gives(schema.BooleanType), gives(schema.IntegerType)
	two, three := []param{aText, aText}, []param{aText, aText, anInteger}
	return []*function{
		{name: "trim", doc: "trim(string[, characters]) string", least: 1, most: 2, params: two, result: text, run: trim},
		{name: "trimPrefix", doc: "trimPrefix(string[, prefix]) string", least: 1, most: 2, params: two, result: text,
			run: func(a args) any { return cutPart(a, strings.TrimPrefix) }},
		{name: "trimSuffix", doc: "trimSuffix(string[, suffix]) string", least: 1, most: 2, params: two, result: text,
			run: func(a args) any { return cutPart(a, strings.TrimSuffix) }},
		{name: "upper", doc: "upper(string) string", least: 1, most: 1, params: two, result: text,
			run: func(a args) any { return changeCase(a, strings.ToUpper) }},
		{name: "lower", doc: "lower(string) string", least: 1, most: 1, params: two, result: text,
			run: func(a args) any { return changeCase(a, strings.ToLower) }},
		{name: "split", doc: "split(string, separator[, most]) list(string)", least: 2, most: 3, params: three, result: list,
			run: func(a args) any { return split(a, strings.SplitN) }},
		{name: "splitAfter", doc: "splitAfter(string, separator[, most]) list(string)", least: 2, most: 3, params: three, result: list,
			run: func(a args) any { return split(a, strings.SplitAfterN) }},
		{name: "replace", doc: "replace(string, old, new[, most]) string", least: 3, most: 4,
			params: []param{aText, aText, aText, anInteger}, result: text, run: replace},
		{name: "repeat", doc: "repeat(string, times) string", least: 2, most: 2, params: []param{aText, anInteger}, result: repeatResult, run: repeat},
		{name: "join", doc: "join(list(string)[, glue]) string", least: 1, most: 2, params: []param{aTextList, aText}, result: text, run: joinTexts},
		{name: "indexOf", doc: "indexOf(string, part) integer", least: 2, most: 2, params: two, result: place,
			run: func(a args) any { return placeOf(a, strings.Index) }},
		{name: "lastIndexOf", doc: "lastIndexOf(string, part) integer", least: 2, most: 2, params: two, result: place,
			run: func(a args) any { return placeOf(a, strings.LastIndex) }},
		{name: "hasPrefix", doc: "hasPrefix(string, prefix) boolean", least: 2, most: 2, params: two, result: truth,
			run: func(a args) any { return hasPart(a, strings.HasPrefix) }},
		{name: "hasSuffix", doc: "hasSuffix(string, suffix) boolean", least: 2, most: 2, params: two, result: truth,
			run: func(a args) any { return hasPart(a, strings.HasSuffix) }},
		{name: "sprintf", doc: "sprintf(format, …) string", least: 1, most: -1, params: []param{aText, anyValue}, result: sprintfResult, run: sprintf},
		{name: "toBase64", doc: "toBase64(string) string", least: 1, most: 1, params: two, result: text, run: toBase64},
		{name: "fromBase64", doc: "fromBase64(string) string", least: 1, most: 1, params: two, result: text, run: fromBase64},
	}
}

func trim(a args) any {
	s := a.text(0)
	if !a.tick(len(s) >> 4) {
		return nil
	}
	if len(a.v) == 1 {
		return strings.TrimSpace(s)
	}
	cutset := a.text(1)
	if !a.tick((len(s) >> 4) * (1 + len(cutset)>>4)) {
		return nil
	}
	return strings.Trim(s, cutset)
}

func cutPart(a args, cut func(s, part string) string) any {
	s, part := a.text(0), a.textOr(1, " ")
	if !a.e.reads(&a.k.at, min(len(s), len(part))) {
		return nil
	}
	return cut(s, part)
}

func hasPart(a args, has func(s, part string) bool) any {
	s, part := a.text(0), a.text(1)
	return a.e.reads(&a.k.at, min(len(s), len(part))) && has(s, part)
}

func changeCase(a args, to func(string) string) any {
	s := a.text(0)
	if !a.spend(len(s)) || !a.tick(len(s)>>2) {
		return nil
	}
	return to(s)
}

func split(a args, by func(s, sep string, n int) []string) any {
	s, sep, most := a.text(0), a.text(1), int64(-1)
	if len(a.v) == 3 {
		most = a.int(2)
	}
	if a.failed() || !a.tick(len(s)>>3) {
		return nil
	}
	n := strings.Count(s, sep) + 1
	if most >= 0 {
		n = int(min(int64(n), most))
	}
	if !a.spendList(4 * n) { // strings in an interface, twice while converting
		return nil
	}
	parts := by(s, sep, n)
	out := make([]any, len(parts))
	for i, p := range parts {
		out[i] = p
	}
	return out
}

func replace(a args) any {
	s, old, with, most := a.text(0), a.text(1), a.text(2), int64(-1)
	if len(a.v) == 4 {
		most = a.int(3)
	}
	if a.failed() || !a.tick(len(s)>>3) {
		return nil
	}
	n := strings.Count(s, old)
	if most >= 0 {
		n = int(min(int64(n), most))
	}
	if grow := len(with) - len(old); grow > 0 && n > maxMemory/grow {
		a.spend(maxMemory + 1)
		return nil
	}
	if !a.spend(len(s) + n*max(len(with)-len(old), 0)) {
		return nil
	}
	return strings.Replace(s, old, with, n)
}

// repeatResult computes the length of the text at load when it is constant.
func repeatResult(c *checker, k *call, args []typed) typed {
	t := typed{typ: schema.StringType}
	if n, ok := constantOf(args[1].code); ok && args[0].size > 0 {
		n, _ := n.(int64)
		if n > 0 && n > int64(maxMemory/args[0].size) {
			return c.report("expr-too-costly", k.at, "", "the text becomes longer than %d bytes", maxMemory)
		}
		t.size = int(max(n, 0)) * args[0].size
	}
	return t
}

func repeat(a args) any {
	s, n := a.text(0), a.int(1)
	if a.failed() {
		return nil
	}
	if n < 0 {
		return a.fail("repeat cannot repeat %d times", n)
	}
	if len(s) == 0 || n == 0 {
		return ""
	}
	if n > int64(maxMemory/len(s)) {
		a.spend(maxMemory + 1)
		return nil
	}
	if !a.spend(len(s) * int(n)) {
		return nil
	}
	return strings.Repeat(s, int(n))
}

func joinTexts(a args) any {
	items, glue := a.list(0), a.textOr(1, "")
	if a.failed() || !a.spendList(len(items)) {
		return nil
	}
	size := len(glue) * max(len(items)-1, 0)
	parts := make([]string, len(items))
	for i, it := range items {
		s, ok := it.(string)
		if !ok {
			return a.fail("join needs strings, element %d is %s", i, kindOf(it))
		}
		parts[i] = s
		if size += len(s); size > maxMemory {
			break
		}
	}
	if !a.spend(size) {
		return nil
	}
	return strings.Join(parts, glue)
}

func placeOf(a args, find func(s, part string) int) any {
	s, part := a.text(0), a.text(1)
	if a.failed() || !a.tick(len(s)>>3) {
		return nil
	}
	i := find(s, part)
	if i < 0 {
		return int64(-1)
	}
	return int64(utf8.RuneCountInString(s[:i]))
}

func toBase64(a args) any {
	s := a.text(0)
	if !a.spend(base64.StdEncoding.EncodedLen(len(s))) {
		return nil
	}
	return base64.StdEncoding.EncodeToString([]byte(s))
}

func fromBase64(a args) any {
	s := a.text(0)
	if a.failed() || !a.spend(len(s)) {
		return nil
	}
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return a.fail("fromBase64: %q is not base64", shorten(s))
	}
	if !utf8.Valid(b) {
		return a.fail("fromBase64: the bytes are no UTF-8 text")
	}
	return string(b)
}

func runeCount(s string) int { return utf8.RuneCountInString(s) }

// runeSlice is the characters from..to of s.
func runeSlice(s string, from, to int) string {
	start, end, n := len(s), len(s), 0
	for i := range s {
		if n == from {
			start = i
		}
		if n == to {
			end = i
			break
		}
		n++
	}
	return s[min(start, end):end]
}
