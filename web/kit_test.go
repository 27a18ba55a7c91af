package web_test

import "github.com/graphrun/graphrun/runtime/feed"

// newsOfWaiting tells when a stack waits for something outside and has come to rest.
func newsOfWaiting(tell chan<- struct{}) func(feed.Commit) {
	return func(c feed.Commit) {
		if len(c.Cursor.Waiting) > 0 {
			select {
			case tell <- struct{}{}:
			default:
			}
		}
	}
}
