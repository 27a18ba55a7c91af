// Package testfiles runs test files of graphs as Go tests. It is apart from package
// runtimetest because it links the YAML reader, which programs that build their graphs in Go
// do not need.
//
//	func TestReview(t *testing.T) {
//		testfiles.Run(t, std.Registry(), "review.test.yaml")
//	}
package testfiles
