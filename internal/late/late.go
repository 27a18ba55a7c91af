package late

import (
	"regexp"
	"sync"
)

// Regexp gives the compiled pattern, which is compiled at the first call. It panics when the
// text is no pattern. It is safe for concurrent use.
func Regexp(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}
