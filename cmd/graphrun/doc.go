// Graphrun validates, runs and explains graphs of agents.
//
// Usage:
//
//	graphrun run FILE          run one stack in the foreground
//	graphrun serve FOLDER      run many graphs and all their stacks
//	graphrun validate FILE…    check graphs without running anything
//	graphrun help              list all commands
//
// docs/cli.md describes every command, docs/operating.md the server. Package internal/cli has
// them all; this one is its entry point.
package main
