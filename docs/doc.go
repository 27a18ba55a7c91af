// Package docs holds the pages that the program brings with it.
package docs

import _ "embed"

// Language is the language of graphs in at most 150 lines, for coding agents: docs/llms.txt.
//
//go:embed llms.txt
var Language string
