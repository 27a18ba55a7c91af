package journal

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// filled sets every member of a value to something that is not zero, at any depth.
func filled(v reflect.Value) {
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(epoch))
		return
	case map[string]any:
		v.Set(reflect.ValueOf(map[string]any{"n": int64(1)}))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			filled(v.Field(i))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		filled(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		filled(v.Index(0))
	case reflect.Map:
		one := reflect.New(v.Type().Elem()).Elem()
		filled(one)
		key := "x" // what lists say by name has the name of its node
		if node := reflect.Indirect(one).FieldByName("Node"); node.IsValid() {
			key = node.String()
		}
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf(key), one)
	case reflect.Interface:
		v.Set(reflect.ValueOf(any(int64(1))))
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Float64:
		v.SetFloat(1.5)
	case reflect.Uint64, reflect.Uint32, reflect.Uint:
		v.SetUint(1)
	case reflect.Int, reflect.Int64:
		v.SetInt(1)
	default:
		panic("no value for " + v.Type().String())
	}
}

// A member that has no bytes is forgotten at every start of an engine.
func TestEveryMemberSurvives(t *testing.T) {
	t.Parallel()
	want := []any{new(Cursor), new(Identity)}
	for _, b := range everyRecord {
		want = append(want, reflect.New(reflect.TypeOf(b).Elem()).Interface())
	}
	for _, v := range want {
		filled(reflect.ValueOf(v).Elem())
		got := reflect.New(reflect.TypeOf(v).Elem()).Interface()
		if body, ok := v.(Body); ok {
			r, err := ParseRecord(AppendRecord(nil, record(0, body), true))
			if err != nil {
				t.Errorf("%T: %v", v, err)
				continue
			}
			got = r.Body
		} else if b, err := json.Marshal(v); err != nil {
			t.Fatal(err)
		} else if err := json.Unmarshal(b, got); err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		if d := cmp.Diff(v, got); d != "" {
			t.Errorf("%T (-written +read)\n%s", v, d)
		}
	}
}
