package graphs

import "embed"

// Files holds the folders of all graphs. The file of graph NAME is
// NAME/NAME.graphrun.yaml.
//
//go:embed all:orchestrator all:mapreduce all:router all:helpdesk
var Files embed.FS
