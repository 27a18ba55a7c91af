package cli

// page is what the help of a command says below its one-line description. Lines
// have at most 80 columns.
type page struct {
	group   string // where `graphrun --help` lists it
	text    string
	example string
}

// The groups of commands, in their order.
const (
	groupAuthor  = "Write graphs"
	groupRun     = "Run stacks"
	groupControl = "Control stacks"
	groupLook    = "Look at stacks"
	groupStore   = "Keep the store"
	groupOther   = "Other"
)

var groups = []string{groupAuthor, groupRun, groupControl, groupLook, groupStore, groupOther}

// aboutGraphrun is the help of graphrun itself.
const aboutGraphrun = `graphrun runs YAML graphs of agents. A running graph is a stack: it has a typed
state and goes through cycles of waves, each of which is stored whole or not at
all. All stacks of a store are in one file.

Start with "graphrun init", which writes an example, and "graphrun run", which
runs it. "graphrun serve" runs many graphs and stacks in one process; the other
commands talk to that process, or use the store themselves when none runs.`

// exitCodes are those of every program.
const exitCodes = `Exit codes:
  0    the command did its work
  1    the work failed: a stack ended as failed or cancelled, a file is not
       formatted
  2    the command was used wrongly: the message says what is expected
  3    a graph is invalid, or the state does not fit it
  4    the store cannot be used: another process has it, it is damaged or full
  130  the command was interrupted, after a clean checkpoint`

// pages are the helps of the commands, by name.
var pages = map[string]page{
	"validate": {groupAuthor, `Check graphs and report every problem at its place in the file. Nothing is
executed, and no file is read except the named ones and those that they name. A
FILE of - is standard input.

The exit code is 0 when the graphs are valid, with or without warnings, and 3
when they are not.`, `  graphrun validate *.graphrun.yaml
  graphrun validate -o json - < review.graphrun.yaml
  graphrun validate --strict --format github review.graphrun.yaml`},
	"plan": {groupAuthor, `Show which nodes would run in which wave of the next cycle, and why the others
would not. Nothing is executed.

For a FILE the plan is that of the first cycle of a new stack. For a STACK it is
that of its next cycle, or of the rest of its open one. The plan assumes that
every node succeeds and writes nothing; set nodes are evaluated and do write.

With --explain every decision has all its edges, with their conditions taken apart
as "graphrun explain" does.`, `  graphrun plan review.graphrun.yaml --param goal="ship it"
  graphrun plan review.graphrun.yaml --set 'todos=[{"id": "a"}]'
  graphrun plan tuesday --explain
  graphrun plan tuesday -o json`},
	"open": {groupLook, `Open the dashboard of the server that owns the store, in a browser, signed in. The
link is good for one use, within a minute. Where there is no screen, or with
--print, the link is printed instead.`, `  graphrun open
  graphrun open --print`},
	"explain": {groupAuthor, `Say why the nodes of a stack ran or did not run: each edge with its condition taken
apart, the values that it looked at and who wrote them, and what is waited for.

Without a NODE there is a line for each node, and what the stack as a whole waits
for. A NODE may be NODE/INNER, within the graph that a node runs. With --cycle it is
about an earlier cycle of the kept history, also under a graph that has changed
since; of a NODE/INNER, the stack that began within it in that cycle.`, `  graphrun explain tuesday
  graphrun explain tuesday check publish/format
  graphrun explain tuesday check --cycle 17 -o json`},
	"explore": {groupAuthor, `Find out what could ever happen to the stacks of a graph. Many stacks run in
virtual time: outputs of nodes are drawn from their types, and failures, slow and
lost answers, events, approvals and crashes come at random. No work is done.

It finds stacks that nothing can bring on any more, failures that legal outputs
cause, what no stack ever reached, and keys that grow. With --out each finding
becomes a test for "graphrun test" that fails while the fault is there.

One seed explores the same stacks on every machine. The exit code is 1 when a
fault was found: stuck, endless, condition-error, expression, schema or limit.`, `  graphrun explore review.graphrun.yaml
  graphrun explore review.graphrun.yaml --for 30s --out found
  graphrun explore review.graphrun.yaml --seed 7 --stacks 5000 -o json`},
	"test": {groupAuthor, `Run the tests of graphs: files that end in .test.yaml, which PATH names, or which
are in the folder PATH or below (default: this folder). Each test has a stack of
its own, in virtual time. No program, model or server is asked: replies of the
test stand in place of what nodes come to. Only nodes that set, fail, wait or
send run, and graphs within graphs. docs/testing.md teaches the language.

With --from it runs nothing, and writes what a stack did as a test.

The exit code is 1 when a test fails, 2 when there is no test, and 3 when a test
file, or its graph, has problems.`, `  graphrun test
  graphrun test --coverage --coverage-min 90 graphs/
  graphrun test --from tuesday --cycles 3..5 > tuesday.test.yaml
  graphrun test review.test.yaml --run 'goes back'
  graphrun test --junit report.xml graphs/
  graphrun test review.test.yaml --update`},
	"graph": {groupAuthor, `Draw a graph as text, as a picture (SVG), or in a format for other tools: Mermaid,
DOT or JSON. With --stack the picture shows what became of the nodes and edges in
the open or last cycle of that stack.`, `  graphrun graph review.graphrun.yaml
  graphrun graph review.graphrun.yaml --format svg > review.svg
  graphrun graph review.graphrun.yaml --format svg --stack review > now.svg`},
	"fmt": {groupAuthor, `Format graph files in place, and print the names of those that changed. A FILE
of - is standard input; its text goes to standard output.

With --check nothing is written: the names of files that are not formatted are
printed, and the exit code is 1 when there are any.`, `  graphrun fmt *.graphrun.yaml
  graphrun fmt --check *.graphrun.yaml`},
	"schema": {groupAuthor, `Print the JSON Schema of graph files. Editors use it to complete and check them
while you type.`, `  graphrun schema > graph.schema.json`},
	"lsp": {groupAuthor, `Speak the Language Server Protocol with an editor, over standard input and
output.
An editor starts it; docs/editors.md says how. It shows the problems of graphs and
test files while they are written, as "graphrun validate" finds them. In graphs it
completes keys, values, names and expressions, says what stands at a place, goes to
declarations and renames.`, `  graphrun lsp --stdio`},
	"kinds": {groupAuthor, `List the kinds of nodes, or describe one kind: what it does and which fields its
"with" has.`, `  graphrun kinds
  graphrun kinds exec`},
	"models": {groupAuthor, `List the providers of models and the MCP servers of graphs: where they are,
whether their keys are set (never the keys), their limits and prices. Without a
FILE, list the providers that a graph has which declares none.

With --probe each provider is asked for its models, and each server for its
tools, at most 10 seconds long. The exit code is 1 when one of them fails.`, `  graphrun models support.graphrun.yaml
  graphrun models --probe support.graphrun.yaml -o json`},
	"init": {groupAuthor, "", `  graphrun init
  graphrun init helpdesk --dir support
  graphrun init --agents`},

	"run": {groupRun, `Run one stack of a graph in the foreground until it ends. Progress goes to
standard error, the result to standard output.

A stack that is already in the store continues where it was. --param and --set
are for new stacks.

The first Ctrl-C (or SIGTERM) lets running tasks finish within --grace and ends
with a checkpoint and exit code 130. The same command continues from there. A
second Ctrl-C cuts the tasks off.

With --watch nothing runs: the graph is checked and its first cycle planned, again
whenever one of its files changes.`, `  graphrun run review.graphrun.yaml --param goal="ship it"
  graphrun run review.graphrun.yaml --set 'todos=[{"id": "a"}]' --cycles 3
  graphrun run review.graphrun.yaml --until-idle -o json --trace trace.jsonl
  graphrun run --watch review.graphrun.yaml --param goal="ship it"
  graphrun run support.graphrun.yaml --record talk.jsonl
  graphrun run support.graphrun.yaml --stack again --replay talk.jsonl`},
	"serve": {groupRun, `Run many graphs and all stacks of the store, with an HTTP API.

A PATH is a graph file, or a folder, which stands for every *.graphrun.yaml in it
and below it. All stacks of the store continue; "graphrun start" adds new ones.

A file that changes is checked within a second, or at once after SIGHUP. Its
stacks adopt it at their next cycle. A file that is broken, or that the state
does not fit, is refused with the reason, and the old version stays.

SIGTERM ends the server with exit code 0, Ctrl-C with 130. Running tasks may
finish within --grace, and every stack is on disk.`, `  graphrun serve graphs/
  graphrun serve review.graphrun.yaml --db /var/lib/graphrun/graphrun.db
  graphrun serve graphs/ --listen 0.0.0.0:7878 --tls-cert c.pem --tls-key k.pem`},
	"start": {groupRun, `Start a stack and leave it to the process that runs the store. Without one, the
stack begins when the next "graphrun serve" does. When the command ends, the
stack is on disk.

FILE is a graph file. GRAPH is the name of a graph that the process serves.`, `  graphrun start review.graphrun.yaml --stack tuesday --param goal="ship it"
  graphrun start review --stack wednesday --set 'todos=[{"id": "a"}]'`},

	"send": {groupControl, `Send an event to a stack. JSON is its payload and must have the type of the state
key that the event writes to: a list for append and the like. - reads it from
standard input; without it the payload is null.

When the command ends, the event is on disk. It is applied once, at the start of
the next cycle, and it ends a pause between two cycles.

With --id you can repeat an event when you are not sure that it arrived: one
that was sent before under the same ID is not sent again.`, `  graphrun send review message '[{"text": "how far are you?"}]'
  graphrun send review message - --id mail-4711 < message.json`},
	"approve": {groupControl, `Approve what a node of a stack waits for. When the command ends, the answer is on
disk. It is applied at the start of the next cycle, which begins at once.

"graphrun status" shows the questions that are open, with their ids. --for names
the question that you mean; an answer for one that is over changes nothing.`, `  graphrun approve review reviewer --comment "as agreed"
  graphrun approve review reviewer --value '{"amount": 3}'`},
	"reject": {groupControl, `Reject what a node of a stack waits for. When the command ends, the answer is on
disk. It is applied at the start of the next cycle, which begins at once.

"graphrun status" shows the questions that are open, with their ids. --for names
the question that you mean; an answer for one that is over changes nothing.`, `  graphrun reject review reviewer --comment "not like this"`},
	"pause": {groupControl, `Start no new wave of a stack until "graphrun resume". Running tasks finish and
their wave is committed. The pause survives a restart.`, `  graphrun pause review`},
	"resume": {groupControl, `Continue a stack that was paused.`, `  graphrun resume review`},
	"wake":   {groupControl, `End the pause of a stack between two cycles: the next cycle begins at once.`, `  graphrun wake review`},
	"stop": {groupControl, `End a stack gently: the running tasks finish, their wave is committed, and then
the stack ends as cancelled with the reason "stopped". The command waits for
that. When it is interrupted, the stack still ends.

A stack that was stopped has ended. To continue a stack later, pause it instead.`, `  graphrun stop review`},
	"cancel": {groupControl, `End a stack as cancelled. Its running tasks are cut off, nothing new begins, and
its history stays.

With --node only the task of that node is cancelled, whether it runs or waits
for a slot or for its next attempt. It then counts as failed. Cancelling what is
over, or was cancelled before, is not an error. --node also takes a place:
builder[t7], or check/lint within the graph that check runs.`, `  graphrun cancel review --reason "not needed any more"
  graphrun cancel review --node builder --item t7`},
	"retry": {groupControl, `Continue a stack that has ended, whatever ended it: the next cycle begins with the
state that it has. A limit that ended it starts over, and so do failed cycles in
a row and its duration. --limits takes the place of the graph's limits, with
their names and values, until the stack is retried again.

With "once: true" in the graph only what failed runs again, and what lies behind
it. What waited at the end asks again.

The process that owns the store runs the stack. Without one, this command does,
as "graphrun run" does, with its output and exit codes.`, `  graphrun retry review
  graphrun retry review --limits cycles=50,duration=2h --by ada`},
	"fork": {groupControl, `Make a new stack that continues from a moment of another one, which does not notice.
--at takes a cycle, or a wave of it as CYCLE.WAVE. The cycle that is open stands for
this moment, with all results that are recorded. 0 is the beginning of the stack,
and CYCLE.0 how a cycle begins.

The fork has the state of that moment, its counts, and the results that the open
cycle had; --set changes keys of the state. What ran begins again, and what waited
waits again. Events that were not applied then are not taken along. Timeouts,
backoffs and the duration of the stack begin again. A fork of a stack that has ended
continues with its next cycle.

The process that owns the store runs the fork. Without one, it waits in the store
for "graphrun serve" or "graphrun run".`, `  graphrun fork review --at 17 --as review-2
  graphrun fork review --at 17.2 --as trial --set 'verdict="ok"'`},
	"rm": {groupControl, `Delete a stack that has ended, with its history. There is no way back.`, `  graphrun rm review`},
	"pool": {groupControl, `Change how many tasks a pool runs at once, in the process that owns the store and
for as long as that process runs. 0 holds the pool; running tasks continue.

To change the limit for good, change the graph. A changed limit there replaces
this one.`, `  graphrun pool review gpu --parallel 2`},

	"ps": {groupLook, `List all stacks with their status and position, and what each waits for or how it
ended. With --pools, list the pools that tasks run in.

A stack that does the work of a node is part of that node's stack. With
--children it has a line of its own.`, `  graphrun ps
  graphrun ps --graph review --status running --watch
  graphrun ps -o json | jq -r '.stacks[] | select(.status == "failed").stack'
  graphrun ps --pools`},
	"status": {groupLook, `Show the position of a stack, its tasks, what it waits for and its last error.
What is within a graph that a node runs is there with its place: check/lint.`, `  graphrun status review
  graphrun status review -o json`},
	"state": {groupLook, `Print the state of a stack, now or as it was at the end of any cycle or wave of
its history. --at 0 is its beginning, and --at 12.0 how cycle 12 begins: events
and answers are applied, and nothing is decided yet.`, `  graphrun state review
  graphrun state review --at 12 -o json
  graphrun state review --at 12.2`},
	"history": {groupLook, `Show what a stack did, a line a cycle: when it began, how many waves it had, how
many nodes ran, failed and were skipped, which keys it changed, and what it used.
With --waves also how each node ended, and which node or event wrote each key.`, `  graphrun history review
  graphrun history review --waves
  graphrun history review --last 20 --plot
  graphrun history review --last 5 -o json`},
	"diff": {groupLook, `Show what changed in the state of a stack between two points of its history, down
to the element and the property. A point is CYCLE or CYCLE.WAVE; 0 is the
beginning, and 12.0 how cycle 12 begins. -o json prints the operations of an
RFC 6902 patch: applied to the state at A they give that at B.`, `  graphrun diff review 11 12
  graphrun diff review 0 12.2 -o json`},
	"eval": {groupLook, `Evaluate an expression over a stack: over its state, params and nodes, and the
names of define, as a condition of its graph sees them. The value is printed as
JSON. An expression that the graph does not permit is exit code 2, and one that
fails while it runs is exit code 1.`, `  graphrun eval review 'len(state.todos)'
  graphrun eval review 'nodes.write.status == "failed"' --at 12`},
	"replay": {groupLook, `Decide the kept history of a stack again, from the results that it recorded, and
compare every record and the state. Nothing is executed. The exit code is 1 when
something differs. --journal takes a file that "trace --journal" wrote, and needs
no store.`, `  graphrun replay review
  graphrun replay review --from 40 -o json
  graphrun trace review --journal | graphrun replay --journal -`},
	"backtest": {groupLook, `Show what a changed graph would have decided in the recorded cycles of stacks.
Each cycle begins with its recorded state and goes the way of FILE, with the
recorded results of the nodes that are given the same. What other nodes would
have come to is not known, and what depends on it is not judged. Nothing is
executed. The exit code is 1 when a node would have run or not, or the stack
would have ended or not.`, `  graphrun backtest review.graphrun.yaml review
  graphrun backtest review.graphrun.yaml review --from 40 -o json`},
	"trace": {groupLook, `Print every record of a stack as one line of JSON. Records are never changed, and
each has a seq: --from continues behind the last one that you have.`, `  graphrun trace review > review.jsonl
  graphrun trace review --from 120 --follow`},
	"logs": {groupLook, `Show the tasks of a stack as they began and ended, with their errors and the
steps that they recorded. What a failed program wrote to standard error is in
its error. -o json prints the records behind these lines.

For a NODE that is an agent they are its conversation, turn by turn: what the
model said, which tools it called with which arguments, what came back, what a
person answered, and what each turn used.`, `  graphrun logs review --follow
  graphrun logs review planner`},

	"token": {groupStore, `Make, list and revoke tokens of the HTTP API. A token has a name, which records
show as "by", and a role: "read" sees everything, "operate" also starts stacks of
served graphs, sends, answers and controls, "admin" also starts definitions of its
own and manages tokens. With --graph only the stacks of one graph exist for it.

"add" prints the token once; only its hash is kept, beside the store. A server
needs no restart: a new token works, and a revoked one stops working, at once.`, `  graphrun token add ci --role operate --graph review
  graphrun token list
  graphrun token revoke ci`},
	"backup": {groupStore, `Copy the store as it is at one moment, also while it is in use. FILE must not
exist; it appears whole or not at all. The copy is a store: --db FILE reads it.`, `  graphrun backup /backups/graphrun-$(date +%F).db`},
	"memory": {groupStore, `Make the vectors of a memory again, with the model that the graph names now:
a search refuses vectors of another model. The memory of each stack is done, or
the one that the stacks share. No process may own the store meanwhile.

An item that has a vector of the model already is not sent again, so the command
can be repeated after a failure.`, `  graphrun memory reembed support facts
  graphrun memory reembed support.graphrun.yaml facts`},
	"compact": {groupStore, `Give the space of deleted data back to the file system. This writes a new store
and puts it in place of the old one, so no process may own it meanwhile, and
there must be space for both. A damaged store is left as it is.`, `  graphrun compact`},
	"doctor": {groupStore, `Check the store: every page, every checksum, and every stack with its history.
While a process owns the store, a copy is checked. The exit code is 0 when
everything is as it was written, and 4 when it is not.

--repair copies every intact stack into a new store, puts it in place of the
damaged one, and keeps that beside it. No process may own the store meanwhile. A
file in which nothing can be read, or that a newer program wrote, is left as it
is.`, `  graphrun doctor
  graphrun doctor --repair`},

	"mcp": {groupOther, `Give coding agents the commands as tools: a server of the Model Context Protocol on
standard input and output. A client starts it in the folder of the graphs.

The tools are validate, plan, explain, get, history and explore, which change
nothing. With --allow-control there are also start, send, answer, pause, resume,
wake, stop, cancel, retry and fork. docs/mcp-server.md says what each takes.

It ends when the client closes standard input.`, `  graphrun mcp
  graphrun mcp --allow-control --db /var/lib/graphrun/graphrun.db`},
	"completion": {groupOther, `Print the script that completes commands, flags and names in a shell.`, `  source <(graphrun completion bash)
  graphrun completion zsh > ~/.zfunc/_graphrun`},
	"version": {groupOther, `Print the version of the program, and what it was built with.`, `  graphrun version
  graphrun version -o json`},
	"help": {groupOther, `Show what a command does and which flags it takes.`, `  graphrun help status`},
}
