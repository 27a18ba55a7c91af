//go:build race

package torture

// raceDetector means that everything is ten times as slow.
const raceDetector = true
