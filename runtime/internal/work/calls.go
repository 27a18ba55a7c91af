package work

import (
	"strconv"
	"strings"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/nodes"
)

// ChildMark is the name of the mark below a call of a tool that runs a graph: the call has a
// stack of its own.
const ChildMark = "child"

// CallOver is the id of the stack of a call that is over with a step, and the numbers of the
// call; "" for any other step.
func CallOver(stack string, key journal.TaskKey, r *nodes.StepRecord) (id, call string) {
	numbers, name := nodes.Below(r.Name)
	content, _ := r.Content.(map[string]any)
	n, ok := content["number"].(int64)
	if r.Mark || !ok || !strings.HasPrefix(name, "tool:") {
		return "", ""
	}
	if numbers != "" {
		numbers += "."
	}
	call = numbers + strconv.FormatInt(n, 10)
	return machine.CallChildID(stack, key, call), call
}
