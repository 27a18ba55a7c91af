package cli

import (
	"os"
	"slices"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"
	"golang.org/x/term"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes/agent"
	"github.com/graphrun/graphrun/runtime/api"
)

const (
	// maxUnsaid is how long a piece of a line waits for its rest where lines are kept,
	// as in a file.
	maxUnsaid = time.Second
	// keptUnsaid bounds what is kept of one text, in bytes.
	keptUnsaid = 16 << 10
)

// sayings show what models say while they say it, between the lines of a log: on a
// terminal as text that grows below them, and is gone when the whole is in the log;
// elsewhere as lines.
type sayings struct {
	app   *app
	at    journal.Place // of the stack, as that of a teller
	node  string        // the only one; "" for all
	item  string        // the only element; "" for all
	cycle uint64
	all   []*speech // in the order in which they began
	frame *frame    // nil if the output is no terminal
	size  func() (columns, lines int, err error)
	now   func() time.Time
}

// speech is what one task's model says.
type speech struct {
	task journal.TaskKey
	text string    // that is not in the log yet
	at   time.Time // of the last line
}

func newSayings(a *app, node string) *sayings {
	s := &sayings{app: a, node: node, now: time.Now}
	w := a.out.w
	if isTerminal(w) && os.Getenv("TERM") != "dumb" {
		s.frame = &frame{w: a.out}
		s.size = func() (int, int, error) { return term.GetSize(int(w.(*os.File).Fd())) }
	}
	return s
}

// delta adds to what a model says.
func (s *sayings) delta(d api.Delta) {
	if s.node != "" && d.Node != s.node || s.item != "" && d.Item != s.item {
		return
	}
	key := journal.TaskKey{Node: d.Node, Item: d.Item}
	at := s.find(key)
	if at == nil {
		at = &speech{task: key, at: s.now()}
		s.all = append(s.all, at)
	}
	if d.Gap { // it began before, or this command was too slow for it
		at.text = strings.TrimLeft(at.text+" … ", " ")
	}
	at.text += d.Text
	if s.frame == nil {
		s.print(at, false)
		return
	}
	if over := len(at.text) - keptUnsaid; over > 0 {
		at.text = strings.ToValidUTF8(at.text[over:], "")
	}
	s.draw("")
}

func (s *sayings) name(at *speech) string {
	return placeName(append(slices.Clone(s.at), journal.Spot{Node: at.task.Node, Item: at.task.Item}))
}

func (s *sayings) find(key journal.TaskKey) *speech {
	i := slices.IndexFunc(s.all, func(at *speech) bool { return at.task == key })
	if i < 0 {
		return nil
	}
	return s.all[i]
}

// print writes whole lines. When a line has not ended for long, it writes its words so
// far. rest also writes what is left.
func (s *sayings) print(at *speech, rest bool) {
	cut := strings.LastIndexByte(at.text, '\n') + 1
	switch {
	case rest:
		cut = len(at.text)
	case cut == 0 && (s.now().Sub(at.at) >= maxUnsaid || len(at.text) > keptUnsaid):
		cut = strings.LastIndexByte(at.text, ' ') + 1
		if cut == 0 && len(at.text) > keptUnsaid {
			cut = len(at.text)
		}
	}
	if cut == 0 {
		return
	}
	for line := range strings.Lines(at.text[:cut]) {
		if line = strings.TrimSpace(line); line != "" {
			s.app.printf("%s%s says: %s\n", s.app.logTime(s.now(), s.cycle), s.name(at), diag.Clean(line))
		}
	}
	at.text, at.at = at.text[cut:], s.now()
}

// record ends what a task said when its whole answer is recorded, and before another
// attempt begins.
func (s *sayings) record(r journal.Record) {
	s.cycle = r.Cycle
	key, ok := r.Task()
	if !ok {
		return
	}
	key = journal.TaskKey{Node: key.Node, Item: key.Item} // as a delta names it
	switch b := r.Body.(type) {
	case *journal.TaskStep:
		if !strings.HasPrefix(b.Name, agent.ModelStep) {
			return
		}
	case *journal.TaskStarted, *journal.TaskFinished, *journal.TaskHeld:
	default:
		return
	}
	at := s.find(key)
	if at == nil {
		return
	}
	if s.frame == nil && s.node == "" { // else the log has all of it
		s.print(at, true)
	}
	s.all = slices.DeleteFunc(s.all, func(other *speech) bool { return other == at })
}

// log writes text of the log above what is said.
func (s *sayings) log(text string) {
	if s.frame == nil {
		s.app.printf("%s", text)
		return
	}
	s.draw(diag.CleanLines(text))
}

// draw replaces what is said, below more lines of the log.
func (s *sayings) draw(over string) {
	columns, lines, err := s.size()
	if err != nil || columns <= 0 {
		columns, lines = 80, 24
	}
	s.frame.below(over, s.lines(columns, lines), columns)
}

// lines are the ends of all that is said at the moment, on half of the terminal at most.
func (s *sayings) lines(columns, lines int) (out []string) {
	shown := s.all[max(0, len(s.all)-max(1, lines/4)):]
	for _, at := range shown {
		room := max(1, lines/2/len(shown)-1)
		var text []string
		for line := range strings.Lines(diag.CleanLines(at.text)) {
			text = append(text, broken(strings.ReplaceAll(line, "\t", " "), max(1, columns-5))...)
		}
		if len(text) == 0 {
			continue
		}
		out = append(out, s.name(at)+" says:")
		for _, line := range text[max(0, len(text)-room):] {
			out = append(out, "    "+line)
		}
	}
	return out
}

// broken is one line as lines of at most so many columns, also where no word ends.
func broken(line string, columns int) (out []string) {
	for _, line := range wrap(line, columns, "") {
		out = append(out, strings.Split(runewidth.Wrap(line, columns), "\n")...)
	}
	return out
}

// close leaves the log alone on the terminal.
func (s *sayings) close() {
	if s.frame != nil {
		s.all = nil
		s.draw("")
	}
}
