package nodes

import (
	"strconv"
	"strings"
)

// CallKey is the idempotency key of a tool's call by a task: the key of the task and the
// number of the call. It is the same for every attempt of the task, and that of no other
// call: a # in the key of the task is doubled, because an element's key may hold one.
func CallKey(task string, number int) string {
	return strings.ReplaceAll(task, "#", "##") + "#" + strconv.Itoa(number)
}

// callBelow is CallKey for a call that a call makes.
func callBelow(call string, number int) string { return call + "#" + strconv.Itoa(number) }

// IsCallOf reports whether a key is that of a call by the task, or of a call below one.
func IsCallOf(key, task string) bool {
	rest, ok := strings.CutPrefix(key, strings.ReplaceAll(task, "#", "##")+"#")
	if !ok || rest == "" {
		return false
	}
	for n := range strings.SplitSeq(rest, "#") {
		if _, err := strconv.ParseUint(n, 10, 64); err != nil {
			return false
		}
	}
	return true
}
