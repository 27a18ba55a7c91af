package runtime

import (
	goruntime "runtime"
	"sync"
)

// mailbox takes letters for a stack and has them read, one after the other. The loop
// that reads them is a goroutine only while there is mail.
type mailbox struct {
	owner reader

	mu      sync.Mutex
	inbox   []func()
	spare   []func() // an array for the inbox; of the loop
	looping bool     // a loop is there to empty the inbox, or will be once the stack is loaded
	asleep  bool     // the stack is not loaded
	rests   bool     // the stack is loaded, and may be unloaded
}

// reader is the stack that a mailbox is of.
type reader interface {
	// load has the stack loaded; whoever does it then runs the loop.
	load()
	// startOwn gives the attempt that idle would return a goroutine of its own.
	startOwn()
	// expects says whether attempts are running, so more letters may be about to arrive.
	expects() bool
	// waits says whether what follows from the letters has to wait for the store anyway, and
	// may as well wait for more of them. Then another letter comes at the latest when the
	// store is free.
	waits() bool
	// settle does all that follows from the letters that were read.
	settle()
	// idle is called with mu held when there is no mail. It says whether the stack may
	// be unloaded, and returns an attempt for the loop to do itself, or nil.
	idle() (rests bool, own job)
	// rest notes that the stack may be unloaded.
	rest()
}

// post puts a letter into the mailbox: a function that the loop calls. Letters run one
// at a time; those that are there together share a commit.
func (m *mailbox) post(letter func()) {
	if m.enter(letter) {
		go m.loop()
	}
}

// enter is post for a caller that can run the loop itself: it returns true when the
// caller has to. Nobody has to while somebody does, or when the stack is loaded first.
func (m *mailbox) enter(letter func()) bool {
	m.mu.Lock()
	m.inbox = append(m.inbox, letter)
	start, asleep := !m.looping, m.asleep
	m.looping, m.rests = true, false
	m.mu.Unlock()
	if start && asleep {
		m.owner.load()
	}
	return start && !asleep
}

// perform runs an attempt. The goroutine that has done it also runs the loop when nobody
// else does: starting another one would cost more than most of what there is to do.
func (m *mailbox) perform(j job) {
	if m.enter(j()) {
		m.loop()
	}
}

// loop empties the mailbox and ends. The stack is loaded. For the same reason as in
// perform it does the last attempt that it began itself, so nodes that follow each other
// need one goroutine; but no attempt waits for a letter or a commit.
func (m *mailbox) loop() {
	for {
		m.mu.Lock()
		mail := m.inbox
		if len(mail) == 0 {
			m.looping = false
			rests, own := m.owner.idle()
			m.rests = rests
			m.mu.Unlock()
			if rests {
				m.owner.rest()
			}
			if own == nil || !m.enter(own()) {
				return
			}
			continue
		}
		m.inbox, m.spare = m.spare, nil
		m.mu.Unlock()
		m.owner.startOwn()
		m.read(mail)
		for range looks {
			if !m.owner.expects() {
				break
			}
			goruntime.Gosched()
			m.mu.Lock()
			more := m.inbox
			m.inbox = nil
			m.mu.Unlock()
			if len(more) == 0 {
				break
			}
			m.read(more)
		}
		if !m.owner.waits() {
			m.owner.settle()
		}
	}
}

// looks bounds how often the loop looks for further letters before it settles. While
// attempts run, what ends at nearly the same time then shares a commit.
const looks = 8

// read reads letters, and keeps their array for the inbox.
func (m *mailbox) read(letters []func()) {
	for _, letter := range letters {
		letter()
	}
	clear(letters)
	m.spare = letters[:0]
}

// loaded says whether the stack is in memory.
func (m *mailbox) loaded() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !m.asleep
}
