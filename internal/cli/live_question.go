package cli

import "fmt"

// counts reports whether a row is of elements whose number is not known.
func (m *liveModel) counts() bool {
	for _, r := range m.rows {
		if r.items && r.laid == 0 && r.busy() {
			return true
		}
	}
	return false
}

// count notes how far the elements of nodes are. What ended before the view began is counted too.
func (m *liveModel) count(far map[string]progress) {
	for node, p := range far {
		if r := m.index[node]; r != nil && r.items && p.of > 0 {
			r.laid = p.of
			r.done, r.failed = max(r.done, p.done), max(r.failed, p.failed)
		}
	}
}

// question is the first open question, and how it is answered here.
func (m *liveModel) question() (lines []string) {
	if len(m.questions) == 0 || !m.answers {
		return nil
	}
	most := max(1, m.lines/3)
	lines = wrap("? "+m.questions[0].about(), m.columns-1, "")
	if len(lines) > most {
		lines = append(lines[:most-1], "  …")
	}
	how := "  y approves, n rejects"
	if n := len(m.questions); n > 1 {
		how += fmt.Sprintf(" (1 of %d questions)", n)
	}
	return append(lines, m.styles.dim.Render(how))
}

// listen lets the person at the terminal answer the first open question with a key.
func (v *liveView) listen() {
	if v.keys == nil || v.door.answer == nil {
		return
	}
	v.mu.Lock()
	open := len(v.model.questions) > 0 && v.model.stop == ""
	first := question{}
	if open {
		first = v.model.questions[0]
	}
	v.mu.Unlock()
	if !open {
		v.keys.rest()
		v.told = question{}
		return
	}
	pressed := v.keys.pressed()
	if !v.told.is(first) { // what was pressed before it was shown is no answer to it
		v.told, pressed = first, nil
	}
	for _, key := range pressed {
		if key != 'y' && key != 'n' {
			continue
		}
		err := v.door.answer(first, key == 'y')
		v.mu.Lock()
		if err != nil {
			v.draw(v.model.wrapped(oneLine("not answered: " + err.Error())))
		}
		v.mu.Unlock()
		break
	}
}
