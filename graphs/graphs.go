package graphs

import "embed"

// Files are the folders of all graphs; a graph NAME is
// NAME/NAME.graphrun.yaml.
//
//go:embed all:orchestrator all:mapreduce all:router all:helpdesk
var Files embed.FS
