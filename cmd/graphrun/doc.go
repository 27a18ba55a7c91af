// Graphrun validates, runs and explains graphs of agents.
//
// Usage:
//
//	graphrun run FILE          run one stack in the foreground
//	graphrun serve FOLDER      run many graphs and all their stacks
//	graphrun validate FILE…    check graphs without running anything
//	graphrun help              list all commands
//
// docs/cli.md describes every command, docs/operating.md the server.
//
// main is one line over run, so that tests drive the whole program in their own
// process. A command turns flags into options and results into output; whatever
// is decided is decided in the packages that it calls.
package main
