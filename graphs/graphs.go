package graphs

import "embed"

// Files holds the folders of all graphs. The file of graph NAME is
// NAME/NAME.graphrun.yaml.
//
//go:embed all:orchestrator all:orchestrator-agents all:mapreduce all:research all:router all:helpdesk all:supportdesk all:pipeline all:orders all:inbox
var Files embed.FS
