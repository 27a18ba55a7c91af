package agent

// talk is the conversation that a task sends: what was said before, the input, and what
// the task adds. It only grows at its end, and is cut at its front. A turn costs what
// its new messages cost.
type talk struct {
	all   []Message
	sizes []int // of all, in bytes
	front int   // the first that is sent
	sum   int   // of the sizes from front on, and of the pinned one
	most  int   // of sum; 0 means no bound
	pin   int   // the message that is never cut: the input; -1 means none
	own   int   // the first that this task added
}

// tokenBytes is how many bytes a token has, about.
const tokenBytes = 4

// newTalk reads what was said before, as far back as fits. A list that was cut may begin
// with results of calls that are gone: those are left out.
func newTalk(before []any, tokens int64) (*talk, error) {
	t := &talk{pin: -1, most: int(min(tokens, 1<<40)) * tokenBytes}
	var read []Message
	sum := 0
	for i := len(before) - 1; i >= 0; i-- {
		m, err := messageOf(before[i])
		if err != nil {
			return nil, bad("`messages[%d]`: %v", i, err)
		}
		if m.Role == "system" {
			m.Role = "user" // a conversation is data: only `instructions` are the author's
		}
		sum += bytesOf(&m)
		if t.most > 0 && sum > t.most {
			break
		}
		read = append(read, m)
	}
	for len(read) > 0 && !opens(read[len(read)-1].Role) {
		read = read[:len(read)-1]
	}
	for i := len(read) - 1; i >= 0; i-- {
		t.push(read[i])
	}
	t.own = len(t.all)
	return t, nil
}

// opens reports whether a conversation may begin with a message of that role: an answer
// without its question, and a result without its call, are refused by providers.
func opens(role string) bool { return role == "user" }

func (t *talk) push(m Message) {
	n := bytesOf(&m)
	t.all, t.sizes = append(t.all, m), append(t.sizes, n)
	t.sum += n
}

// keepInput makes the last message one that is never cut.
func (t *talk) keepInput() { t.pin = len(t.all) - 1 }

// mark and back drop messages that were added for one question only.
func (t *talk) mark() int { return len(t.all) }

func (t *talk) back(to int) {
	for _, n := range t.sizes[to:] {
		t.sum -= n
	}
	clear(t.all[to:])
	t.all, t.sizes = t.all[:to], t.sizes[:to]
}

// cut drops from the front what passes the bound: whole exchanges, so that no call is
// parted from its result. The last exchange stays whatever its size.
func (t *talk) cut() {
	for t.most > 0 && t.sum > t.most {
		next := t.front + 1
		for next < len(t.all) && !t.begins(next) {
			next++
		}
		if next >= len(t.all) {
			return
		}
		for i := t.front; i < next; i++ {
			if i != t.pin {
				t.sum -= t.sizes[i]
			}
		}
		t.front = next
	}
}

// begins reports whether the part of the conversation that is sent may begin with a
// message. Behind the input, which is sent before it, an answer may.
func (t *talk) begins(i int) bool {
	role := t.all[i].Role
	return opens(role) || role == "assistant" && t.pin >= 0 && i > t.pin
}

// sent is what goes into a question. It is shared with the questions before and after,
// unless the input has to be put in front.
func (t *talk) sent() []Message {
	t.cut()
	rest := t.all[t.front:len(t.all):len(t.all)]
	if t.pin < 0 || t.pin >= t.front {
		return rest
	}
	return append([]Message{t.all[t.pin]}, rest...)
}

// added is what the task added, in the form of `messages`.
func (t *talk) added() []any {
	out := make([]any, 0, len(t.all)-t.own)
	for _, m := range t.all[t.own:] {
		out = append(out, messageValue(m))
	}
	return out
}
