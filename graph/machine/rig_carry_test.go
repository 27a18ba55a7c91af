package machine

import (
	"reflect"

	"github.com/graphrun/graphrun/graph/value"
)

// checkCarried holds a task that was carried to another process against the task itself.
func (r *rig) checkCarried(task *Task) {
	v, err := r.m.g.Carry(task.Node, task.With, task.Bound)
	if err != nil {
		r.t.Errorf("task %s: %v", nameOf(task.Key), err)
		return
	}
	if v, err = value.ParseBinary(value.AppendBinary(nil, v)); err != nil {
		r.t.Errorf("task %s: %v", nameOf(task.Key), err)
		return
	}
	with, b, err := r.m.g.Carried(task.Node, v)
	if err != nil || !reflect.DeepEqual(with, task.With) || !reflect.DeepEqual(b, task.Bound) {
		r.t.Errorf("task %s comes back with %s and %+v, %v; want %s and %+v", nameOf(task.Key),
			value.String(with), b, err, value.String(task.With), task.Bound)
	}
}
