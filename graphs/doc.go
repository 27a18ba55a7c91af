// Package graphs holds example graphs, each in a folder of its own with its tests and the
// small programs that it runs. They are the templates of `graphrun init`, and tests run
// all of them.
package graphs
