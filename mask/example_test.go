package mask_test

import (
	"fmt"

	"github.com/graphrun/graphrun/mask"
)

func ExampleMasker_Text() {
	m := mask.New([]string{"correct horse"})
	fmt.Println(m.Text("password=correct horse"))
	fmt.Println(m.Text("https://example.com/?password=correct+horse"))
	// Output:
	// password=***
	// https://example.com/?password=***
}
