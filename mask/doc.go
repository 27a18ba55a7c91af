// Package mask hides secrets in texts, values and logs.
//
// A secret is found as it is and in the forms that programs commonly give it:
// line by line, without the white space around it, escaped for a URL or for JSON
// (also more than once), and as base64, there also within a longer text. What is
// found is replaced by Mark.
//
//	m := mask.New([]string{"hunter2hunter2"})
//	m.Text("the password is hunter2hunter2") // "the password is ***"
//
// It is a net and no wall: a program that reverses a secret, or splits it, gets it
// past the mask.
package mask
