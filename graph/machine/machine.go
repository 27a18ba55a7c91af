package machine

import (
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
)

// Options are what a machine needs beside its graph; they are never stored.
type Options struct {
	// Mask replaces secrets in outputs and error messages before they enter the
	// machine (strings at any depth of a canonical value). It is nil if there is nothing to mask.
	Mask func(v any) any
	// Fleets says that the driver leads the stacks of a graph with
	// `fleet: lockstep` together, by NextWave. Otherwise each goes by itself.
	Fleets bool
	// Rest says that nobody runs the stack: inputs are recorded, and nothing is
	// decided, begun or committed. The next Restore continues from there.
	Rest bool
	// Unwritten says that nodes of kinds that do real work write nothing: nobody
	// knows their outputs, as in a plan.
	Unwritten bool
	// Snapshots keeps the records of the open cycle in memory, so that Snapshot
	// works within a cycle too.
	Snapshots bool
	// Plan returns the plan of a graph, for machines that share one: it may be large. By
	// default each machine makes its own.
	Plan func(*graph.Graph) *Plan
	// By is who starts the stack, for its first record; "" if nobody is known. Only New reads
	// it.
	By string
	// Notices says that the driver delivers notices to hooks: those of the graph, and Hooks.
	Notices bool
	Hooks   []graph.Hook
	// Around says where a stack that does the work of another one's task is, and whom the
	// stacks around it want told. It is called when a node begins to wait for a person; nil
	// means that there are none.
	Around func() Around

	scratch bool // every cycle begins from scratch: for tests, see foreseen
}

// Task is one attempt to start (or to put in its pool's queue).
type Task struct {
	Key     journal.TaskKey
	Attempt int // from 1; grows over retries, crashes and restarts
	Node    int // index of the node: declaration order
	Index   int // index of the element under for_each
	Of      int // how many elements there are; 0 without for_each
	With    any // the evaluated `with`
	// Bound is what the work may evaluate while it runs, as the tools that an agent may
	// call, with what its expressions saw when the task began.
	Bound    graph.Bound
	Pool     int // index into graph.Pools
	Priority int
	Lock     string // of tasks with an equal text only one runs at a time; "" means none
	Rerun    bool   // an attempt before this one was cut off by a crash or shutdown
	// Steps are those that earlier attempts recorded, oldest first. They are shared
	// and must not be changed.
	Steps []*journal.TaskStep
	// Void is how many of Steps, the first ones, are forgotten: an attempt failed with kind
	// "schema" or "limit" after them. Only what they used still counts.
	Void int
	// Child is the stack that does the work, of a kind that runs a graph; else nil.
	Child *Child

	// Words are the answers that were given on calls of the task, in their order. They are
	// shared and must not be changed.
	Words []*journal.TaskAnswered
	// LeftTokens and LeftCost are what the limits of the stack leave at this moment; nil
	// means no such limit.
	LeftTokens *int64
	LeftCost   *float64
}

// MemoryChange is what a commit does to one item of a memory.
type MemoryChange struct {
	journal.MemoryWrite
	Graph bool // all stacks of the graph share the memory
	Keep  int  // how many items it keeps; the oldest are dropped
}

// Ready is what a driver has to do. Everything in it stays in Ready until
// Advance, so more may be stepped before it is committed. It holds the end of
// one wave at most: what follows a wave of nodes that take no time is in the
// Ready after Advance.
type Ready struct {
	Records []journal.Record // 1. persist with Changes and Cursor in one transaction, BEFORE anything below; some are rounds
	Changes []graph.Change   //    what changed in the state, at most one per key; names that begin with $ are the machine's own, see Visible
	Memory  []MemoryChange   //    in the order of the writes
	Cursor  journal.Cursor
	Start   []Task // 2. give these to their pools, all at once. When one gets its slot: Step(TaskRunning), commit, then start it. They never change: pointers to them may be kept
	// Cancel: end these attempts; say TaskGone of each that was running when nothing of it
	// runs any more. One that is there a second time was cancelled again while it ends: its
	// children are cancelled again too, which cuts off their last cycles.
	Cancel  []journal.TaskKey
	Orphans []Orphan  // see that nothing of these attempts of an earlier driver runs any more, then say TaskGone
	Send    []Message // deliver these to their stacks in this order, as events with their ids, and say Sent of each
	Lost    []Lost    // messages to the stack itself that it cannot take: for the log
	// Children are ids of stacks (Task.Child) that are in the history no more: remove
	// them. After a crash they are not named again.
	Children []string
	WakeAt   time.Time        // 3. when set: Step(Woke) no earlier than this. It replaces the one before
	Outcome  *journal.Outcome //    non-nil: the stack has ended
}

// Input is something that happened. Each carries its time.
type Input interface{ input() }

type (
	// TaskRunning says that the task holds its slot. The record task.started follows;
	// the work may begin when that is durable.
	TaskRunning struct {
		At      time.Time
		Key     journal.TaskKey
		Attempt int
	}
	// TaskDone says that the attempt succeeded. Output has at most value.MaxBytes.
	TaskDone struct {
		At      time.Time
		Key     journal.TaskKey
		Attempt int
		Output  value.Value
		Talk    *journal.Talk         // canonical, of an agent; else nil
		Memory  []journal.MemoryWrite // canonical: what the commit of its writes puts into memories
		Tokens  int64
		Cost    float64

		NodeRuns uint64 // see journal.TaskFinished
	}
	// TaskFailed says that the attempt failed.
	TaskFailed struct {
		At      time.Time
		Key     journal.TaskKey
		Attempt int
		Failure journal.Failure
		Wait    time.Duration // the least time before the next attempt; one beyond MaxBackoff ends the attempts, unless the kind is "http"
		Tokens  int64
		Cost    float64

		NodeRuns uint64 // see journal.TaskFinished
	}
	// TaskWaits says that calls of a running attempt need a person's word. The node waits
	// from then on, durably once the commit of the next Ready is; the attempt may continue
	// and then returns with TaskHeld. Calls that the task has asked for before are no
	// error and change nothing. It is refused as TaskStep is.
	TaskWaits struct {
		At      time.Time
		Key     journal.TaskKey
		Attempt int
		Calls   []journal.Call // canonical; secrets in them are masked
	}
	// TaskHeld says that an attempt returned because its task waits. It is no failure: the
	// next attempt comes when all calls have their words.
	TaskHeld struct {
		At      time.Time
		Key     journal.TaskKey
		Attempt int
		Tokens  int64
		Cost    float64
	}
	// TaskStep says that a running attempt has done a part of its work. When the
	// commit of the next Ready is durable, the attempt may continue; from then on
	// every later attempt of the task has the step in Task.Steps. It is refused with
	// ErrNotRunning when the attempt is over for the machine, and with a *StepError
	// when the step is too large or one too many; then the attempt must fail with that
	// failure.
	TaskStep struct {
		At       time.Time
		Key      journal.TaskKey
		Attempt  int
		Name     string      // what the node calls it
		Content  value.Value // at most MaxStepBytes; secrets in it are masked
		Duration time.Duration
		Tokens   int64
		Cost     float64
		Error    *journal.Failure // the part failed; nil if it succeeded
		Mark     bool             // the part only begins; see journal.TaskStep
		Call     string           // as journal.TaskStep.Call
	}
	// TaskUsed reports the usage of an attempt that has returned after it was cut off
	// or given up, and whose end the driver does not report by TaskDone or TaskFailed.
	// It counts also after the end of the stack. A driver feeds it at most once for an
	// attempt, and without the usage of the attempt's steps.
	TaskUsed struct {
		At      time.Time
		Key     journal.TaskKey
		Attempt int
		Tokens  int64
		Cost    float64

		NodeRuns    uint64 // this and the rest are of a replay; see journal.TaskUsed
		Call, Nonce string
	}
	// TaskGone says that nothing runs any more of an attempt that Ready.Cancel or
	// Ready.Orphans asked to end. TaskDone and TaskFailed imply it.
	TaskGone struct {
		At      time.Time
		Key     journal.TaskKey
		Attempt int
	}
	// TaskLost says that a running attempt ended with the process that ran it, and that
	// nothing of it runs any more, while the driver itself continues. It is no failure: another
	// attempt follows as after the death of a driver, and may be parked.
	TaskLost struct {
		At      time.Time
		Key     journal.TaskKey
		Attempt int
		Clean   bool // the process ended by itself, as in a shutdown: the task is not the cause
	}
	// Sent says that a message of Ready.Send has arrived, or can never arrive. Until then it is
	// in Ready.Send again after each restart.
	Sent struct {
		At time.Time
		ID string
	}
	// Woke says that the time that WakeAt asked for has come, or that the stack is
	// woken before (Early), which ends a pause at once.
	Woke struct {
		At    time.Time
		Early bool
	}
	// Cancel ends the stack. A last cycle that has begun is cut off, and so are those of
	// the children of tasks that are to end already.
	Cancel struct {
		At     time.Time
		Reason string
		ByNode bool // the node ends whose work the stack does: no last cycle is cut off
		By     string
	}
	// Stop ends the stack gently, as cancelled: the tasks of the open wave finish
	// and are committed first. Until then Cursor.Stopping has the reason, and a
	// restart carries it out. A stack without an open wave ends at once, and so does
	// a stack whose wave has only parked tasks left, or that rests (Options.Rest).
	Stop struct {
		At     time.Time
		Reason string
		By     string
	}
	// Control says who gives the command that follows it, which is another input: Pause,
	// Resume, Woke, Stop, Cancel or CancelTask. A command that will change nothing, and one
	// by nobody, is not recorded.
	Control struct {
		At         time.Time
		Action     journal.Action
		By         string
		Node, Item string // of a CancelTask
	}
	// Reopen continues a stack that has ended, with its state: the next cycle begins when
	// the machine is woken at WakeAt, which is at once. Under `once` it runs what failed and
	// what lies behind it. Error: ErrNotEnded.
	Reopen struct {
		At     time.Time
		By     string
		Limits journal.Limits // in place of those of the graph, until it is reopened again
	}
	// Pause pauses the stack: it starts no new wave.
	Pause struct{ At time.Time }
	// Resume ends Pause, and lets parked tasks run at once.
	Resume struct{ At time.Time }
	// NextWave lets a machine that is led with others (Options.Fleets) begin its next
	// wave, or end its cycle when it is Spent. Between two cycles it ends a pause,
	// unless only an event can.
	NextWave struct{ At time.Time }
	// Event was sent to the stack. It is accepted when Step returns nil, for good
	// once the Ready that follows is durable; it ends a pause, and is applied
	// when the next cycle begins. Errors: *UnknownEventError, *PayloadError,
	// ErrEnded; then nothing has changed.
	Event struct {
		At      time.Time
		ID      string // the sender's; one that was accepted before is not applied again; "" is none
		Name    string
		Payload any // any JSON-like value; of the type graph.Key.Payload
		By      string
	}
	// Answer settles a node that waits, when the next cycle begins: with an
	// output, or with a failure. The same answer to the same question again is no
	// error. Errors: *UnknownNodeError, ErrNotWaiting, *StaleAnswerError (which is
	// an ErrNotWaiting), *AnswerError, ErrEnded.
	//
	// It also gives a person's word on a call of a task that asked for it (TaskWaits), which
	// continues when all its calls have their words. More errors then: *CallsError.
	Answer struct {
		At   time.Time
		Node string
		Item string // the element's key, of a call under for_each
		// Call is the id of a call. It may be "" if the task waits for one word only.
		Call string
		// Args are what the call is made with in place of the model's arguments; nil for those.
		Args any
		// For is the id of the question (journal.Waiting.ID). Without it the answer is
		// for the one that is open. Then it is refused while that one is younger than
		// two seconds and an earlier one of the node was answered: it may be the
		// repetition of that answer.
		For     string
		Output  any // of an approval: {approved, comment, by}
		Failure *journal.Failure
		By      string // who answers, as the driver knows them, whatever the output says
	}
	// CancelTask fails a task (under for_each without Item: all of the node), or
	// a node that waits, with kind cancelled, and no attempt follows. One that
	// is not there, or over, is no error. Errors: *UnknownNodeError.
	CancelTask struct {
		At         time.Time
		Node, Item string
	}
)

func (TaskRunning) input() {}
func (TaskDone) input()    {}
func (TaskFailed) input()  {}
func (TaskStep) input()    {}
func (TaskWaits) input()   {}
func (TaskHeld) input()    {}
func (TaskUsed) input()    {}
func (TaskGone) input()    {}
func (TaskLost) input()    {}
func (Sent) input()        {}
func (Woke) input()        {}
func (Cancel) input()      {}
func (Stop) input()        {}
func (Control) input()     {}
func (Reopen) input()      {}
func (Pause) input()       {}
func (Resume) input()      {}
func (NextWave) input()    {}
func (Event) input()       {}
func (Answer) input()      {}
func (CancelTask) input()  {}
