package journal

import (
	"encoding/binary"
	"encoding/hex"
)

// words are texts of records that are always the same ones, by their numbers. New ones go
// to the end.
var words = []string{
	"succeeded", "failed", "skipped", "waiting", "pending",
	"start", "success", "failure", "always", "unless_failed",
	"no-live-edge", "upstream-failed", "condition-error", "cancelled",
	"running", "paused", "completed",
	"approval", "wait", "agent", "graph", "round_robin", "tokens", "cost",
	"timeout", "exit", "http", "schema", "error",
}

var wordNumbers = func() map[string]uint64 {
	m := make(map[string]uint64, len(words))
	for i, w := range words {
		m[w] = uint64(i)
	}
	return m
}()

// word is a text that is most often one of words.
func (p *packed) word(s *string) {
	p.oneOf(s, words, wordNumbers)
}

// name is a text that the shape may have.
func (p *packed) name(s *string) {
	if p.shape == nil {
		p.oneOf(s, nil, nil)
		return
	}
	p.oneOf(s, p.shape.names, p.shape.numbers)
}

// oneOf is a text, or its number in a list.
func (p *packed) oneOf(s *string, list []string, numbers map[string]uint64) {
	if p.reads {
		switch form, there := p.take(); {
		case !there:
		case form == bytesForm:
			*s = string(p.takeBytes())
		case form == numberForm:
			*s = p.fromList(list, p.takeUint())
		default:
			p.fail(errPacked)
		}
		return
	}
	p.number++
	if *s == "" && !p.written {
		return
	}
	if n, known := numbers[*s]; known {
		p.put(numberForm)
		p.b = binary.AppendUvarint(p.b, n)
		return
	}
	p.put(bytesForm)
	p.b = appendPackedText(p.b, *s)
}

func (p *packed) fromList(list []string, n uint64) string {
	if n >= uint64(len(list)) {
		p.fail(errPacked)
		return ""
	}
	return list[n]
}

// What a part of a list of names is, in the lowest two bits of its number.
const (
	namedText = iota // so many bytes follow
	namedOne         // the name with this number
	namedRun         // it and those after it; a uvarint says how many. Runs ascend
)

// names is a list of texts. The shape has most of them.
func (p *packed) names(all *[]string) {
	if p.shape == nil {
		p.texts(all)
		return
	}
	if p.reads {
		p.readNames(all)
		return
	}
	p.number++
	list := *all
	if len(list) == 0 {
		return
	}
	p.put(bytesForm)
	whole := p.open()
	ran := uint64(0) // behind the last run
	for i := 0; i < len(list); {
		n, known := p.shape.numbers[list[i]]
		if !known {
			p.b = binary.AppendUvarint(p.b, uint64(len(list[i]))<<2+namedText)
			p.b = append(p.b, list[i]...)
			i++
			continue
		}
		run := p.shape.run(list[i:], n)
		if run < 3 || n < ran {
			p.b = binary.AppendUvarint(p.b, n<<2|namedOne)
			i++
			continue
		}
		p.b = binary.AppendUvarint(p.b, n<<2|namedRun)
		p.b = binary.AppendUvarint(p.b, run)
		ran = n + run
		i += int(run)
	}
	p.close(whole)
}

// run is how many texts are the names with the numbers from n on.
func (s *Shape) run(list []string, n uint64) uint64 {
	most := min(uint64(len(list)), uint64(len(s.names))-n)
	for i := range most {
		if list[i] != s.names[n+i] {
			return i
		}
	}
	return most
}

func (p *packed) readNames(all *[]string) {
	if !p.takes(bytesForm) {
		return
	}
	out := p.enter(p.takeBytes())
	ran := uint64(0)
	for len(p.rest) > 0 && p.err == nil {
		n := p.takeUint()
		switch kind := n & 3; {
		case kind == namedText:
			*all = append(*all, string(p.takeN(n>>2)))
		case kind == namedOne:
			*all = append(*all, p.fromList(p.shape.names, n>>2))
		case kind == namedRun && n>>2 >= ran:
			run := p.takeUint()
			if n >>= 2; n > uint64(len(p.shape.names)) || run > uint64(len(p.shape.names))-n {
				p.fail(errPacked)
				break
			}
			*all = append(*all, p.shape.names[n:n+run]...)
			ran = n + run
		default:
			p.fail(errPacked)
		}
	}
	p.leave(out)
}

// What a hash is written as: its bytes, or any other text.
const (
	hashBytes = iota
	hashText
)

// hash is the hash of a definition: a name of the shape, or the bytes that its hex digits
// stand for.
func (p *packed) hash(s *string) {
	if p.reads {
		p.readHash(s)
		return
	}
	p.number++
	if *s == "" {
		return
	}
	if p.shape != nil && *s == p.shape.Hash {
		p.put(trueForm)
		return
	}
	p.put(bytesForm)
	start := p.open()
	if isHex(*s) {
		p.b = append(p.b, hashBytes)
		for i := 0; i < len(*s); i += 2 {
			p.b = append(p.b, unhex((*s)[i])<<4|unhex((*s)[i+1]))
		}
	} else {
		p.b = append(append(p.b, hashText), *s...)
	}
	p.close(start)
}

func (p *packed) readHash(s *string) {
	switch form, there := p.take(); {
	case !there:
	case form == trueForm && p.shape != nil:
		*s = p.shape.Hash
	case form == bytesForm:
		switch b := p.takeBytes(); {
		case len(b) > 0 && b[0] == hashBytes:
			*s = hex.EncodeToString(b[1:])
		case len(b) > 0 && b[0] == hashText:
			*s = string(b[1:])
		default:
			p.fail(errPacked)
		}
	default:
		p.fail(errPacked)
	}
}

func isHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; !('0' <= c && c <= '9' || 'a' <= c && c <= 'f') {
			return false
		}
	}
	return len(s)%2 == 0
}

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c - 'a' + 10
}
