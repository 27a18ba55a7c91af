package value_test

import (
	"fmt"

	"github.com/graphrun/graphrun/graph/value"
)

// Integers within int64 are exact, and keys are written in sorted order.
func ExampleDecode() {
	v, err := value.Decode([]byte(`{"n": 9223372036854775807, "a": 2.0}`))
	fmt.Println(value.String(v), err)
	_, err = value.Decode([]byte(`{"n": }`))
	fmt.Println(err)
	// Output:
	// {"a":2,"n":9223372036854775807} <nil>
	// JSON has '}' at byte 6: expected a value
}

// Of makes a canonical value of any Go value that encoding/json can write.
func ExampleOf() {
	type todo struct {
		Title string `json:"title"`
		Tries int    `json:"tries"`
	}
	v, err := value.Of([]todo{{"write", 2}})
	fmt.Printf("%T %s, %d bytes, %v\n", v.Any(), value.String(v.Any()), v.Size(), err)
	// Output:
	// []interface {} [{"title":"write","tries":2}], 29 bytes, <nil>
}
