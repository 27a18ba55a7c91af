package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/graphrun/graphrun/graph/value"
)

const (
	jsonType = "application/json"

	// maxBody is what a request may carry on TCP.
	maxBody = 1 << 20
	// maxNesting is deeper than any value that a state may hold, with its
	// envelope.
	maxNesting = 110
)

// decode reads the body of a request into a struct, strictly: one JSON object,
// of the declared type, with known fields in their exact spelling, each at most
// once at any depth. An empty body is an empty object.
func decode(w http.ResponseWriter, r *http.Request, most int64, into any) error {
	if r.Body == nil || r.Body == http.NoBody {
		readAll(w)
		return nil
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != jsonType {
		return errorf(CodeMediaType, "content type %q, expected %s", r.Header.Get("Content-Type"), jsonType)
	}
	body, err := readBody(w, r, most)
	if err != nil {
		return err
	}
	if err := value.CheckText(body); err != nil {
		return errorf(CodeUsage, "the body: %v", err)
	}
	if body = bytes.TrimPrefix(body, []byte("\uFEFF")); len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	if err := checkShape(body, fieldsOf(into)); err != nil {
		return err
	}
	if bytes.Contains(body, []byte(`\u`)) { // encoding/json would read half of a surrogate pair as U+FFFD
		if _, err := value.Decode(body); err != nil {
			return errorf(CodeUsage, "the body: %v", err)
		}
	}
	err = json.Unmarshal(body, into)
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong):
		return errorf(CodeUsage, "the field %q is a JSON %s, expected %s", wrong.Field, wrong.Value, wordFor(wrong.Type))
	case err != nil:
		return errorf(CodeUsage, "the body does not fit: %v", err)
	}
	return nil
}

// readBody reads the whole body of a request.
func readBody(w http.ResponseWriter, r *http.Request, most int64) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, errorf(CodeTooLarge, "the body is larger than %d bytes", tooLarge.Limit)
	case err != nil:
		giveTime(w)
		w.Header().Set("Connection", "close") // what is left of the body is not waited for
		return nil, errorf(CodeUsage, "cannot read the body: %v", err)
	}
	readAll(w)
	return body, nil
}

// wordFor is what JSON calls a Go type of a request's field.
func wordFor(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Int:
		return "a whole number"
	case reflect.Bool:
		return "true or false"
	}
	return "a " + t.Kind().String()
}

// fieldsOf are the names that a request's struct declares.
func fieldsOf(into any) []string {
	t := reflect.TypeOf(into).Elem()
	var names []string
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

// checkShape refuses what encoding/json would let pass: repeated keys, fields
// in another spelling, deep nesting, a second value.
func checkShape(body []byte, fields []string) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	type level struct {
		keys  map[string]bool // nil for a list
		value bool            // a value comes next, not a key
	}
	var open []level
	done := false
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) && done {
			return nil
		}
		if err != nil {
			return errorf(CodeUsage, "the body is not JSON: %v", err)
		}
		if done {
			return errorf(CodeUsage, "the body holds more than one value")
		}
		if len(open) == 0 && tok != json.Delim('{') {
			return errorf(CodeUsage, "the body is not a JSON object")
		}
		switch tok {
		case json.Delim('}'), json.Delim(']'):
			open = open[:len(open)-1]
			done = len(open) == 0
			continue
		}
		if n := len(open); n > 0 && open[n-1].keys != nil && !open[n-1].value {
			key, _ := tok.(string)
			if n == 1 && !slices.Contains(fields, key) {
				return errorf(CodeUsage, "unknown field %q, expected %s", key, strings.Join(fields, ", "))
			}
			if open[n-1].keys[key] {
				return errorf(CodeUsage, "the key %q is there twice", key)
			}
			open[n-1].keys[key], open[n-1].value = true, true
			continue
		}
		if n := len(open); n > 0 {
			open[n-1].value = false
		}
		switch tok {
		case json.Delim('{'):
			open = append(open, level{keys: map[string]bool{}})
		case json.Delim('['):
			open = append(open, level{})
		}
		if len(open) > maxNesting {
			return errorf(CodeUsage, "the body is nested more than %d levels deep", maxNesting)
		}
	}
}
