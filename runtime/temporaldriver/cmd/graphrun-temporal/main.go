package main

import (
	"os"

	"github.com/graphrun/graphrun/internal/cli"
)

// version is that of a release build, which sets it with -ldflags "-X main.version=1.2.3"; "" is
// that of the source.
var version string

func main() { os.Exit(program().Main()) }

// program is graphrun-temporal.
func program() *cli.Program {
	c := &cluster{}
	return &cli.Program{
		Name: "graphrun-temporal", Short: "Run graphs of agents on a Temporal cluster", Long: about,
		Runner: "graphrun-temporal worker", Version: version, Backend: c, Commands: c.commands,
	}
}

const about = `graphrun-temporal runs YAML graphs of agents on a Temporal cluster. A running graph
is a stack: on the cluster it is a workflow, and the tasks of its nodes are
activities, so it continues on another machine when one dies.

"graphrun-temporal worker" runs stacks and tasks, on as many machines as there are
workers. The other commands reach the stacks through the cluster: they find it by
--address, and workers by --task-queue. Those that look at a stack need a worker that
answers, also when the stack has ended.

Variables that stand for flags, as Temporal's own tools read them:
  TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE
  TEMPORAL_TLS, TEMPORAL_TLS_CLIENT_CERT_PATH, TEMPORAL_TLS_CLIENT_KEY_PATH,
  TEMPORAL_TLS_SERVER_CA_CERT_PATH, TEMPORAL_TLS_SERVER_NAME
  TEMPORAL_API_KEY (there is no flag: a key is a secret)`
