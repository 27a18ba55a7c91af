//go:build !race

package torture

// raceDetector says that everything is ten times as slow.
const raceDetector = false
