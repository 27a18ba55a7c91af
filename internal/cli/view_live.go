package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"charm.land/lipgloss/v2"
	"golang.org/x/term"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime/feed"
)

// liveView keeps a table of the cycle's nodes at the bottom of the terminal,
// inline: what is finished scrolls up and stays there. A stack that cannot start
// leaves no trace of it.
type liveView struct {
	mu    sync.Mutex // records, ticks and the end come from three goroutines
	model *liveModel
	frame frame
	size  func() (columns, lines int, err error)
	quit  chan struct{} // closed to end the ticking
	done  chan struct{} // closed when it has ended; nil before it has begun
	door  door
	told  question // that the keys are about
	// waiting are lines from before it began.
	waiting []string
	keys    keys // of the person at the terminal; nil if nobody can press any
}

// keys are pressed at a terminal.
type keys interface {
	// pressed gives what was pressed since it was asked last. Keys that were pressed before
	// anybody listened are lost.
	pressed() []byte
	// rest ends the listening: the terminal is as it was.
	rest()
}

// tick is how often the table is drawn again when nothing happens.
const tick = 100 * time.Millisecond

func newLiveView(a *app, stack string, g *graph.Graph) *liveView {
	v := &liveView{model: newLiveModel(a.itself(), stack, g), frame: frame{w: a.err}, quit: make(chan struct{})}
	if a.color(a.err) {
		v.model.styles = newLiveStyles()
	}
	if k := keyboardOf(a.in); k != nil {
		v.keys, v.model.answers = k, true
		a.onLastMoment(k.rest)
	}
	v.size = func() (int, int, error) { return term.GetSize(int(a.err.(*os.File).Fd())) }
	return v
}

func (v *liveView) from(c journal.Cursor, open []question) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.waiting = append(v.waiting, v.model.from(c, open)...)
}

func (v *liveView) begin() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.begun()
}

// begun sees to it that the table is drawn.
func (v *liveView) begun() {
	if v.done == nil {
		v.done = make(chan struct{})
		if len(v.waiting) > 0 {
			v.draw(v.waiting)
		}
		go v.animate()
	}
}

func (v *liveView) attach(d door) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.door = d
}

func (v *liveView) standing(open []question) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if lines := v.model.standing(open); len(lines) > 0 {
		v.begun()
		v.draw(lines)
	}
}

func (v *liveView) record(r journal.Record) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.begun()
	if lines := v.model.record(r); len(lines) > 0 {
		v.draw(lines)
	}
}

func (v *liveView) delta(d feed.Delta) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.model.delta(d) // shown at the next tick
}

// animate turns the spinner and lets the clocks run.
func (v *liveView) animate() {
	defer close(v.done)
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		select {
		case <-v.quit:
			return
		case <-t.C:
			v.mu.Lock()
			v.model.turn++
			v.draw(nil)
			counts := v.model.turn%10 == 1 && v.model.counts() && v.door.elements != nil
			v.mu.Unlock()
			if counts {
				far := v.door.elements()
				v.mu.Lock()
				v.model.count(far)
				v.mu.Unlock()
			}
			v.listen()
		}
	}
}

// draw shows the table, and above it for good the lines of what is over.
func (v *liveView) draw(over []string) {
	v.model.now = time.Now()
	if columns, lines, err := v.size(); err == nil && columns > 0 {
		v.model.columns, v.model.lines = columns, lines
	}
	v.frame.draw(over, v.model.view(), v.model.columns, v.model.lines)
}

func (v *liveView) stopping(grace time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.model.stopping(grace)
}

func (v *liveView) close() {
	v.mu.Lock()
	begun := v.done != nil && !v.model.ended
	v.mu.Unlock()
	if !begun {
		return
	}
	close(v.quit)
	<-v.done
	if v.keys != nil {
		v.keys.rest()
	}
	v.model.ended = true
	v.draw(v.model.left())
	v.frame.close()
}

// frame is the part of a terminal's output that is drawn again and again: the
// last few lines, as much of them as fits.
type frame struct {
	w     io.Writer
	drawn []int // columns of the lines that stand there
	wide  int   // the terminal's columns then
}

const (
	hideCursor = "\x1b[?25l"
	eraseRight = "\x1b[K"
	eraseBelow = "\x1b[J"
	// showCursor undoes what a frame that is not closed leaves behind.
	showCursor = "\r\n" + eraseBelow + "\x1b[?25h"
)

// draw replaces the frame; over goes above it and stays. Everything is one
// write, so that a terminal shows no half of it. What stood there is written
// over and not erased before: terminals that keep what is cleared from their
// first line on would keep every frame. A terminal that is gone is not an error:
// it ends the view, not the stack.
func (f *frame) draw(over, lines []string, columns, height int) {
	var b strings.Builder
	b.WriteString(hideCursor + "\r")
	if up := f.rows(columns) - 1; up > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", up)
	}
	if f.wide != columns && len(f.drawn) > 0 { // else a terminal joins again what it has wrapped
		b.WriteString(eraseBelow)
	}
	f.wide = columns
	for _, line := range over {
		if lipgloss.Width(line) >= columns { // the terminal wraps it, or is about to
			b.WriteString(eraseBelow + line + "\r\n")
			continue
		}
		b.WriteString(line + eraseRight + "\r\n")
	}
	// In its last column a terminal would wrap, and of more lines than it has the
	// first could not be reached again.
	lines = lines[max(0, len(lines)-max(1, height-1)):]
	whole := lipgloss.NewStyle().MaxWidth(max(1, columns-1))
	f.drawn = f.drawn[:0]
	for i, line := range lines {
		if i > 0 {
			b.WriteString("\r\n")
		}
		if i == len(lines)-1 { // a terminal writes ^C behind it
			whole = whole.MaxWidth(max(1, columns-3))
		}
		line = whole.Render(line)
		b.WriteString(line + eraseRight)
		f.drawn = append(f.drawn, lipgloss.Width(line))
	}
	b.WriteString(eraseBelow)
	_, _ = io.WriteString(f.w, b.String())
}

// below writes text above the frame, as it is, and the lines of a new frame. The text
// may be wider than the terminal, which wraps it.
func (f *frame) below(text string, lines []string, columns int) {
	var b strings.Builder
	if up := f.rows(columns); up > 0 { // the cursor stands below
		fmt.Fprintf(&b, "\r\x1b[%dA%s", up, eraseBelow)
	}
	b.WriteString(text)
	whole := lipgloss.NewStyle().MaxWidth(max(1, columns-1))
	f.drawn = f.drawn[:0]
	for _, line := range lines {
		line = whole.Render(line)
		b.WriteString(line + "\n")
		f.drawn = append(f.drawn, lipgloss.Width(line))
	}
	if b.Len() > 0 {
		_, _ = io.WriteString(f.w, b.String())
	}
}

// rows are those that the drawn lines take on a terminal that may have become
// narrower since, and has wrapped them.
func (f *frame) rows(columns int) (n int) {
	for _, width := range f.drawn {
		n += 1 + max(0, width-1)/max(1, columns)
	}
	return n
}

// close leaves the cursor below what was drawn last.
func (f *frame) close() {
	end := "\x1b[?25h"
	if len(f.drawn) > 0 {
		end = "\r\n" + end
	}
	_, _ = io.WriteString(f.w, end)
}

// liveModel is the table: one row per node of the open cycle that ran, in the
// order in which they began. Nodes that run beyond their cycle, in the background
// or waiting, keep theirs. It does no I/O and asks no clock.
type liveModel struct {
	stack     string
	self      itself
	idle      idleCycles
	waits     map[string]string // nodes that wait, and what they do
	rests     bool              // after an idle cycle it waits for an event
	resting   bool
	cycle     uint64
	wave      uint64
	tokens    int64 // used since the view began
	cost      float64
	pause     time.Time // end of the pause; zero while a cycle is open
	stop      string    // what an interrupt waits for
	ended     bool
	questions []question // that are open
	answers   bool       // a key answers the first of them
	rows      []*liveRow
	index     map[string]*liveRow // of rows, by node
	turn      int                 // of the spinner
	now       time.Time
	columns   int
	lines     int
	styles    liveStyles
}

func newLiveModel(self itself, stack string, g *graph.Graph) *liveModel {
	return &liveModel{self: self, stack: oneLine(stack), waits: waitingNodes(g), rests: g.Pause.None && g.Schedule == nil, index: map[string]*liveRow{}, columns: 80, lines: 24}
}

// spinner is what stands before that which runs.
func (m *liveModel) spinner() string {
	frames := []rune("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")
	return string(frames[m.turn%len(frames)])
}

// from is where the stack stands before its first record. What began before waits,
// or begins again and has a record then. It gives the lines of the questions.
func (m *liveModel) from(c journal.Cursor, open []question) (lines []string) {
	m.cycle, m.wave = c.Cycle, c.Wave
	if !c.Open {
		m.pause, m.resting = c.WakeAt, c.WakeAt.IsZero() && c.Cycle > 0
	}
	for _, w := range c.Waiting {
		if !w.Answered {
			r := m.row(w.Node)
			r.wait(w.Item, w.Since)
		}
	}
	for _, w := range c.Asking {
		m.row(w.Node).ask(w.Item, w.Calls, w.Since)
	}
	m.open(open)
	for _, q := range open {
		lines = append(lines, m.asks(q)...)
	}
	return lines
}

// standing takes the open questions. It gives the lines of those of stacks within that have
// come.
func (m *liveModel) standing(open []question) (lines []string) {
	for _, q := range newWithin(m.questions, open) {
		lines = append(append(lines, m.unfold()...), m.asks(q)...)
	}
	m.open(open)
	return lines
}

func (m *liveModel) open(all []question) {
	m.questions = all
	for _, r := range m.rows {
		r.within = 0
	}
	for _, q := range all {
		if r := m.index[q.top]; r != nil {
			r.within++
		}
	}
}

// asks are lines that stay, on a question: its command can be copied.
func (m *liveModel) asks(q question) []string {
	return append(m.wrapped(q.about()), "  "+q.command(m.self, m.stack))
}

// unfold gives the line of the idle cycles that were held back.
func (m *liveModel) unfold() (lines []string) {
	if held := m.idle.held(); held != "" {
		lines = append(lines, m.styles.dim.Render(held))
	}
	m.idle.unfold()
	return lines
}

// stopping says what the end waits for, when it is for anything.
func (m *liveModel) stopping(grace time.Duration) {
	running := 0
	for _, r := range m.rows {
		if r.waits == "" {
			running += len(r.running)
		}
	}
	if running > 0 && grace > 0 {
		m.stop = stoppingLine(running, grace)
	}
}

// record updates the table and gives the lines of what is over. Idle cycles in a row are one
// line, once something happens.
func (m *liveModel) record(r journal.Record) []string {
	folds := m.idle.fold(r)
	lines := m.take(r)
	if b, ok := r.Body.(*journal.CycleFinished); ok && folds {
		m.rest(r, b)
		return nil
	}
	if len(lines) > 0 {
		lines = append(m.unfold(), lines...)
	}
	return lines
}

// left are the lines of what stands in the table at the end, whole: they stay.
func (m *liveModel) left() []string {
	return append(m.unfold(), m.styles.table(m.rows, m.columns, "·", m.now, false)...)
}

// rest begins the pause after a cycle.
func (m *liveModel) rest(r journal.Record, b *journal.CycleFinished) {
	m.pause, m.resting = r.Time.Add(b.Pause), m.rests && !b.Active
}

// take is record without folding.
func (m *liveModel) take(r journal.Record) []string {
	m.used(r)
	switch b := r.Body.(type) {
	case *journal.CycleStarted:
		m.cycle, m.wave, m.pause, m.resting = r.Cycle, 0, time.Time{}, false
	case *journal.WaveStarted:
		m.cycle, m.wave = r.Cycle, b.Wave
	case *journal.TaskStarted:
		m.cycle, m.wave = r.Cycle, b.Wave
		m.row(b.Node).start(b, r.Time)
		if q, ok := questionOf(m.questions, b.Node, b.Item); ok && m.waits[b.Node] != "" {
			return m.asks(q)
		}
	case *journal.TaskFinished:
		m.row(b.Node).finish(b, r.Time)
	case *journal.TaskStep:
		m.row(b.Node).step(b)
	case *journal.TaskWaiting:
		m.row(b.Node).ask(b.Item, b.Calls, r.Time)
		return m.asked(b)
	case *journal.TaskAnswered:
		m.row(b.Node).answer(b)
	case *journal.TaskHeld:
		m.row(b.Node).hold(b.Item)
	case *journal.WaveCommitted:
		for i := range b.Settled {
			if s := &b.Settled[i]; s.AtCommit {
				m.row(s.Node).failAtCommit(s)
			} else if e := s.Elements(); e.Of > 0 {
				row := m.row(s.Node)
				row.failed, row.of = e.Failed, e.Of
			}
		}
	case *journal.CycleFinished:
		lines := m.styles.table(m.settled(), m.columns, "", r.Time, false)
		m.rest(r, b)
		for _, line := range m.wrapped(cycleLine(r.Cycle, b)) {
			lines = append(lines, m.styles.dim.Render(line))
		}
		return lines
	default:
		return m.wrapped(plainLine(r))
	}
	return nil
}

// used counts what a record says that its task used.
func (m *liveModel) used(r journal.Record) {
	node, tokens, cost := "", int64(0), 0.0
	switch b := r.Body.(type) {
	case *journal.TaskStep:
		node, tokens, cost = b.Node, b.Tokens, b.Cost
	case *journal.TaskHeld:
		node, tokens, cost = b.Node, b.Tokens, b.Cost
	case *journal.TaskUsed:
		node, tokens, cost = b.Node, b.Tokens, b.Cost
	case *journal.TaskFinished:
		node, tokens, cost = b.Node, b.Tokens, b.Cost
	}
	if tokens == 0 && cost == 0 {
		return
	}
	m.tokens, m.cost = m.tokens+tokens, m.cost+cost
	row := m.row(node)
	row.tokens, row.cost = row.tokens+tokens, row.cost+cost
}

// asked are lines that stay, on calls that need a word: they can be copied.
func (m *liveModel) asked(b *journal.TaskWaiting) (lines []string) {
	for _, line := range askedLines(m.self, m.stack, b) {
		if strings.HasPrefix(line, "      ") {
			lines = append(lines, line) // a command stays whole, to be copied
			continue
		}
		lines = append(lines, m.wrapped(line)...)
	}
	return lines
}

// delta notes what a model says.
func (m *liveModel) delta(d feed.Delta) {
	if r := m.index[d.Task.Node]; r != nil {
		r.say(d)
	}
}

// wrapped breaks a line for the terminal. None reaches its last column: the
// terminal would wrap again, and what was printed could not be counted.
func (m *liveModel) wrapped(s string) []string { return wrap(s, m.columns-1, "") }

// row finds or adds the row of a node.
func (m *liveModel) row(node string) *liveRow {
	r := m.index[node]
	if r == nil {
		r = &liveRow{node: node, waits: m.waits[node], running: map[string]time.Time{}}
		m.rows = append(m.rows, r)
		m.index[node] = r
	}
	return r
}

// settled takes out the rows of nodes that are over.
func (m *liveModel) settled() (over []*liveRow) {
	var left []*liveRow
	for _, r := range m.rows {
		if r.busy() {
			left = append(left, r)
			continue
		}
		over = append(over, r)
		delete(m.index, r.node)
	}
	m.rows = left
	return over
}

// view is the table as it is now, with a last line that tells where it stands.
func (m *liveModel) view() []string {
	if m.ended {
		return nil
	}
	shown := m.visible()
	lines := m.styles.table(shown, m.columns, m.spinner(), m.now, true)
	if hidden := len(m.rows) - len(shown); hidden > 0 {
		lines = append([]string{m.styles.dim.Render(fmt.Sprintf("  … %d more", hidden))}, lines...)
	}
	return append(append(lines, m.question()...), m.spinner()+" "+m.where())
}

// where tells how far the stack is.
func (m *liveModel) where() string {
	name := m.styles.title.Render(fit(m.stack, m.columns/2))
	switch {
	case m.stop != "":
		return fit(m.stop, m.columns-3)
	case m.cycle == 0:
		return name + " starting"
	case m.resting:
		return name + fmt.Sprintf(" cycle %d done, waits for an event", m.cycle) + spent(m.tokens, m.cost)
	case m.pause.IsZero():
		return name + fmt.Sprintf(" cycle %d, wave %d", m.cycle, m.wave) + spent(m.tokens, m.cost)
	}
	s := name + fmt.Sprintf(" cycle %d done", m.cycle) + spent(m.tokens, m.cost)
	if left := m.pause.Sub(m.now); left > 0 {
		s += ", next in " + brief(left.Round(time.Second))
	}
	return s
}

// visible are the rows that fit the terminal, in their order: those that run,
// then those that failed, then the latest. All scroll up when the cycle is over.
func (m *liveModel) visible() []*liveRow {
	room := max(1, m.lines-4)
	if len(m.rows) <= room {
		return m.rows
	}
	keep := map[*liveRow]bool{}
	take := func(wanted func(*liveRow) bool) {
		for i := len(m.rows) - 1; i >= 0 && len(keep) < room; i-- {
			if wanted(m.rows[i]) {
				keep[m.rows[i]] = true
			}
		}
	}
	take((*liveRow).busy)
	take(func(r *liveRow) bool { return r.failed > 0 })
	take(func(*liveRow) bool { return true })
	var rows []*liveRow
	for _, r := range m.rows {
		if keep[r] {
			rows = append(rows, r)
		}
	}
	return rows
}
