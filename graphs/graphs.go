// Package graphs holds real graphs, each in a folder of its own with the small
// programs it runs: examples to read, and the templates of `graphrun init`.
package graphs

import "embed"

// Files are the folders of all graphs; a graph NAME is
// NAME/NAME.graphrun.yaml.
//
//go:embed all:orchestrator all:mapreduce all:router all:helpdesk
var Files embed.FS
