package blob

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"
)

const (
	testKey    = "AKIAEXAMPLE"
	testSecret = "a secret that is never sent"
	testBucket = "blobs"
)

// s3Server stands in for S3, as far as the store uses it: PUT, HEAD and GET of an object, by
// the path style, with the checks that S3 makes. It is safe for concurrent use.
type s3Server struct {
	*httptest.Server
	now func() time.Time

	mu       sync.Mutex
	objects  map[string]s3Object
	requests []string                                          // METHOD KEY
	refuse   func(w http.ResponseWriter, r *http.Request) bool // answers in place of the server
}

type s3Object struct {
	content  []byte
	modified time.Time
}

func newS3(t *testing.T) *s3Server {
	s := &s3Server{objects: map[string]s3Object{}, now: time.Now}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

// store is a store in the bucket of the server.
func (s *s3Server) store(t *testing.T) *S3Store {
	t.Helper()
	store, err := S3(S3Config{Bucket: testBucket, Prefix: "/graphrun/", Endpoint: s.URL, Region: "eu-test-1",
		AccessKey: testKey, SecretKey: testSecret})
	if err != nil {
		t.Fatal(err)
	}
	store.now = s.now
	return store
}

// asked returns the requests since the last call.
func (s *s3Server) asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.requests
	s.requests = nil
	return asked
}

// once answers the next n requests in place of the server.
func (s *s3Server) once(n int, refuse http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = func(w http.ResponseWriter, r *http.Request) bool {
		if n--; n < 0 {
			return false
		}
		refuse(w, r)
		return true
	}
}

var (
	authorization = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=` + testKey + `/\d{8}/eu-test-1/s3/aws4_request, SignedHeaders=([a-z0-9;-]+), ?Signature=[0-9a-f]{64}$`)
	signedHeaders = regexp.MustCompile(`(^|;)host(;.*)?;x-amz-content-sha256;x-amz-date`)
)

func (s *s3Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r.Method+" "+r.URL.Path)
	if s.refuse != nil && s.refuse(w, r) {
		return
	}
	signed := authorization.FindStringSubmatch(r.Header.Get("Authorization"))
	if signed == nil || !signedHeaders.MatchString(signed[1]) {
		s3Error(w, http.StatusForbidden, "AccessDenied", "no signature: "+r.Header.Get("Authorization"))
		return
	}
	if r.Header.Get("X-Amz-Content-Sha256") != Hash(body) {
		s3Error(w, http.StatusBadRequest, "XAmzContentSHA256Mismatch", "the body is not what was signed")
		return
	}
	object, ok := s.objects[r.URL.Path]
	switch r.Method {
	case http.MethodPut:
		s.objects[r.URL.Path] = s3Object{body, s.now()}
		w.Header().Set("ETag", `"etag"`)
	case http.MethodHead, http.MethodGet:
		if !ok {
			s3Error(w, http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
			return
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(object.content)))
		w.Header().Set("Last-Modified", object.modified.UTC().Format(http.TimeFormat))
		w.Header().Set("ETag", `"etag"`)
		if r.Method == http.MethodGet {
			_, _ = w.Write(object.content)
		}
	default:
		s3Error(w, http.StatusMethodNotAllowed, "MethodNotAllowed", r.Method)
	}
}

func s3Error(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s</Message></Error>", code, message)
}

// answer is a handler that answers an error of S3.
func answer(status int, code string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { s3Error(w, status, code, "as the test wants it") }
}
