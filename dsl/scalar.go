package dsl

import (
	"math/big"
	"strconv"

	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/internal/late"
)

var (
	coreInt   = late.Regexp(`^[-+]?[0-9]+$`)
	coreFloat = late.Regexp(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)
	coreOct   = late.Regexp(`^0o[0-7]+$`)
	coreHex   = late.Regexp(`^0x[0-9a-fA-F]+$`)
	coreInf   = late.Regexp(`^[-+]?\.(inf|Inf|INF)$`)
)

// notFinite reports whether a plain scalar is an infinity or not a number,
// which JSON cannot hold.
func notFinite(s string) bool {
	return coreInf().MatchString(s) || s == ".nan" || s == ".NaN" || s == ".NAN"
}

// resolve sets the value of a plain scalar by the core schema of YAML 1.2: yes,
// no, on, off and dates are strings, 010 is ten. Integers beyond int64 become
// floats; numbers beyond float64 become an infinity, which the reader reports.
func resolve(s string, n *tree.Node) {
	n.Kind = tree.String
	switch s {
	case "", "~", "null", "Null", "NULL":
		n.Kind = tree.Null
		return
	case "true", "True", "TRUE":
		n.Kind, n.Bool = tree.Bool, true
		return
	case "false", "False", "FALSE":
		n.Kind = tree.Bool
		return
	}
	if c := s[0]; c > '9' || c < '+' {
		return
	}
	base, digits := 0, ""
	switch {
	case coreInt().MatchString(s):
		base, digits = 10, s
	case coreOct().MatchString(s):
		base, digits = 8, s[2:]
	case coreHex().MatchString(s):
		base, digits = 16, s[2:]
	case !coreFloat().MatchString(s):
		return
	}
	if base != 0 {
		if i, err := strconv.ParseInt(digits, base, 64); err == nil {
			n.Kind, n.Int = tree.Int, i
			return
		}
		if base != 10 {
			if big, ok := new(big.Int).SetString(digits, base); ok {
				s = big.String()
			}
		}
	}
	n.Kind = tree.Float
	n.Float, _ = strconv.ParseFloat(s, 64) // only the range can be wrong
}
