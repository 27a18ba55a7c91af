package journal

import (
	"bytes"
	"testing"
)

// FuzzRecord: what is read as a record is written and read again as the same one, whatever
// the text was. The short form can be read too.
func FuzzRecord(f *testing.F) {
	for _, body := range []string{
		`"type":"task.waiting","wave":1,"node":"a","attempt":1,"calls":[{"id":"1","tool":"refund","args":{"amount":30}},{"id":"2","tool":"x","answered":true}]`,
		`"type":"task.answered","wave":1,"began":1,"node":"a","item":"k","attempt":1,"call":"1","approved":true,"args":{"amount":1e3},"comment":"c","by":"me"`,
		`"type":"task.held","wave":1,"node":"a","attempt":1,"tokens":3,"cost":0.5`,
		`"type":"task.mark","wave":1,"node":"a","attempt":1,"name":"tool:x","duration_ms":0,"content":null`,
		`"type":"task.step","wave":1,"node":"a","attempt":1,"step":1,"name":"model:a/b","duration_ms":3,"content":{"x":[1,2]},"error":{"kind":"model","message":"m"}`,
		`"type":"task.finished","wave":1,"node":"a","attempt":1,"status":"succeeded","duration_ms":1,"duration_ns":1000000,"output":1,"talk":{"messages":[],"usage":{}},"memory":[{"memory":"m","id":"i","text":"t","data":{},"model":"p/m","vector":"AAAA"},{"memory":"m","id":"i","delete":true}],"wait_ns":5`,
	} {
		f.Add([]byte(`{"seq":1,"time":"2026-01-02T03:04:05Z","stack":"s","cycle":1,` + body + `}`))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		rec, err := ParseRecord(line)
		if err != nil {
			return
		}
		whole := AppendRecord(nil, rec, true)
		again, err := ParseRecord(whole)
		if err != nil {
			t.Fatalf("%s\nis written as\n%s\n%v", line, whole, err)
		}
		if twice := AppendRecord(nil, again, true); !bytes.Equal(whole, twice) {
			t.Errorf("written as\n%s\nand then as\n%s", whole, twice)
		}
		if _, err := ParseRecord(AppendRecord(nil, rec, false)); err != nil {
			t.Errorf("the short form: %v", err)
		}
	})
}
