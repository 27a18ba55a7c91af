package blob

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

func s3Path(hash string) string { return "/" + testBucket + "/graphrun/" + hash[:2] + "/" + hash }

func wantAsked(t *testing.T, s *s3Server, want ...string) {
	t.Helper()
	if got := s.asked(); !slices.Equal(got, want) {
		t.Errorf("got the requests %q, want %q", got, want)
	}
}

func TestS3(t *testing.T) {
	t.Parallel()
	server := newS3(t)
	store := server.store(t)
	content := strings.Repeat("content", 100_000)
	hash := put(t, store, content)
	path := s3Path(hash)
	wantAsked(t, server, "HEAD "+path, "PUT "+path)
	if got := server.objects[path].content; string(got) != content {
		t.Errorf("the server has %d bytes", len(got))
	}
	wantBlob(t, store, hash, content)
	wantAsked(t, server, "GET "+path)
	if hash != Hash([]byte(content)) {
		t.Errorf("got the hash %s", hash)
	}
	wantBlob(t, store, put(t, store, ""), "")
}

func TestS3PutAgain(t *testing.T) {
	t.Parallel()
	server := newS3(t)
	clock := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	server.now = func() time.Time { return clock }
	store := server.store(t)
	path := s3Path(put(t, store, "content"))
	server.asked()

	clock = clock.Add(renewAge - time.Second)
	put(t, store, "content")
	wantAsked(t, server, "HEAD "+path)

	clock = clock.Add(2 * time.Second) // it has to become younger now
	put(t, store, "content")
	wantAsked(t, server, "HEAD "+path, "PUT "+path)
	put(t, store, "content")
	wantAsked(t, server, "HEAD "+path)

	server.objects[path] = s3Object{[]byte("cont"), clock} // not all of it
	put(t, store, "content")
	wantAsked(t, server, "HEAD "+path, "PUT "+path)
	wantBlob(t, store, Hash([]byte("content")), "content")
}

func TestS3TriesAgain(t *testing.T) {
	t.Parallel()
	server := newS3(t)
	store := server.store(t)
	server.once(2, answer(http.StatusServiceUnavailable, "SlowDown"))
	hash := put(t, store, "content")
	path := s3Path(hash)
	wantAsked(t, server, "HEAD "+path, "HEAD "+path, "HEAD "+path, "PUT "+path)
	server.once(1, answer(http.StatusServiceUnavailable, "ServiceUnavailable"))
	wantBlob(t, store, hash, "content")
	wantAsked(t, server, "GET "+path, "GET "+path)

	other := s3Path(Hash([]byte("other")))
	requests := 0
	server.once(2, func(w http.ResponseWriter, r *http.Request) { // only the PUT is in trouble
		if requests++; requests == 1 {
			s3Error(w, http.StatusNotFound, "NoSuchKey", "")
		} else {
			s3Error(w, http.StatusServiceUnavailable, "SlowDown", "")
		}
	})
	wantBlob(t, store, put(t, store, "other"), "other")
	wantAsked(t, server, "HEAD "+other, "PUT "+other, "PUT "+other, "GET "+other)
}

func TestS3Refuses(t *testing.T) {
	t.Parallel()
	server := newS3(t)
	store := server.store(t)
	store.limit = 10
	hash := put(t, store, "ten bytes.")
	wantBlob(t, store, hash, "ten bytes.")
	server.asked()

	_, err := store.Put(t.Context(), []byte("eleven byte"))
	wantError(t, err, ErrTooLarge, "11 bytes")
	_, err = store.Get(t.Context(), "../../other/bucket")
	wantError(t, err, ErrNotFound, "is not a SHA-256")
	wantAsked(t, server)

	_, err = store.Get(t.Context(), Hash([]byte("never put")))
	wantError(t, err, ErrNotFound, "s3://blobs/graphrun at 127.0.0.1", "same store")

	path := s3Path(hash)
	server.objects[path] = s3Object{[]byte("ten_bytes."), time.Now()}
	_, err = store.Get(t.Context(), hash)
	wantError(t, err, ErrDamaged, hash, "s3://blobs/graphrun")
	server.objects[path] = s3Object{[]byte("eleven byte"), time.Now()}
	_, err = store.Get(t.Context(), hash)
	wantError(t, err, ErrTooLarge, "11 bytes")
}

// TestS3Bounds: a service that does not say how much it sends does not fill the memory.
func TestS3Bounds(t *testing.T) {
	t.Parallel()
	server := newS3(t)
	store := server.store(t)
	store.limit = 1 << 20
	sent := 0
	server.once(1, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat))
		for piece := make([]byte, 64<<10); sent < 64<<20; sent += len(piece) {
			if _, err := w.Write(piece); err != nil {
				return // the store has hung up
			}
		}
	})
	_, err := store.Get(t.Context(), Hash(nil))
	wantError(t, err, ErrTooLarge)
	server.mu.Lock() // the handler has ended
	defer server.mu.Unlock()
	if sent == 64<<20 {
		t.Error("the store has read it all")
	}
}

func TestS3Cut(t *testing.T) {
	t.Parallel()
	server := newS3(t)
	store := server.store(t)
	server.once(1, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat))
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte("cut"))
	})
	_, err := store.Get(t.Context(), Hash([]byte("cut")))
	wantError(t, err, nil, "unexpected EOF", "check the endpoint and the network")
}

func TestS3SaysWhatToDo(t *testing.T) {
	t.Parallel()
	for code, c := range map[string]struct {
		status int
		want   string
	}{
		"NoSuchBucket":                 {http.StatusNotFound, "create the bucket"},
		"InvalidAccessKeyId":           {http.StatusForbidden, "renew the credentials"},
		"SignatureDoesNotMatch":        {http.StatusForbidden, "renew the credentials"},
		"AccessDenied":                 {http.StatusForbidden, "s3:GetObject and s3:PutObject"},
		"AuthorizationHeaderMalformed": {http.StatusBadRequest, `the region of the bucket, "eu-test-1" is not it`},
		"PermanentRedirect":            {http.StatusMovedPermanently, "the region of the bucket"},
		"RequestTimeTooSkewed":         {http.StatusForbidden, "set the clock"},
		"NotImplemented":               {http.StatusNotImplemented, "the service is in trouble"},
		"Strange":                      {http.StatusBadRequest, "documentation of the service"},
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			server := newS3(t)
			store := server.store(t)
			server.once(3, answer(c.status, code))
			_, err := store.Get(t.Context(), Hash(nil))
			wantError(t, err, nil, c.want, code, "s3://blobs/graphrun at 127.0.0.1", "cannot read the blob")
			_, err = store.Put(t.Context(), nil)
			if code == "PermanentRedirect" || code == "NotImplemented" || code == "AuthorizationHeaderMalformed" || code == "Strange" {
				wantError(t, err, nil, "cannot put a blob of 0 bytes") // an answer to HEAD has no body, and so no code
				return
			}
			wantError(t, err, nil, c.want, "cannot put a blob of 0 bytes")
			if strings.Contains(err.Error(), testSecret) {
				t.Errorf("a secret is in %q", err)
			}
		})
	}
	t.Run("nobody there", func(t *testing.T) {
		t.Parallel()
		server := newS3(t)
		store := server.store(t)
		ctx, cancel := context.WithCancel(t.Context())
		server.once(1, func(http.ResponseWriter, *http.Request) { cancel() })
		_, err := store.Get(ctx, Hash(nil))
		wantError(t, err, context.Canceled, "check that the endpoint answers")
	})
}

// TestS3IsEncrypted: without a scheme the endpoint is asked by TLS, and by http never.
func TestS3IsEncrypted(t *testing.T) {
	t.Parallel()
	server := &s3Server{objects: map[string]s3Object{}, now: time.Now}
	server.Server = httptest.NewUnstartedServer(server)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes that fail
	server.StartTLS()
	t.Cleanup(server.Close)
	config := S3Config{Bucket: testBucket, Endpoint: server.Listener.Addr().String(), Region: "eu-test-1",
		AccessKey: testKey, SecretKey: testSecret}
	config.Transport = server.Client().Transport
	store, err := S3(config)
	if err != nil {
		t.Fatal(err)
	}
	wantBlob(t, store, put(t, store, "content"), "content")

	config.Transport = nil // which does not know the certificate
	if store, err = S3(config); err != nil {
		t.Fatal(err)
	}
	_, err = store.Put(t.Context(), []byte("content"))
	wantError(t, err, nil, "certificate", "check the endpoint")
}

func TestS3Endpoint(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                           "https s3.amazonaws.com",
		"minio.example:9000":         "https minio.example:9000",
		"https://minio.example":      "https minio.example",
		"https://minio.example/":     "https minio.example",
		"http://127.0.0.1:9000":      "http 127.0.0.1:9000",
		"http://[::1]:9000":          "http [::1]:9000",
		"http://localhost:9000":      "http localhost:9000",
		"http://minio.example":       "in the clear",
		"http://localhost.evil.test": "in the clear",
		"http://10.0.0.1":            "in the clear",
		"ftp://minio.example":        `the scheme "ftp"`,
		"https://a:b@minio.example":  "no secrets in a URL",
		"https://minio.example/path": "more than a host",
		"https://minio.example?a=b":  "more than a host",
		"https://":                   "not a URL",
		"https://hidden:%zz@host":    "not a URL",
	} {
		host, secure, err := endpoint(in, false)
		got := "http " + host
		if secure {
			got = "https " + host
		}
		if err != nil {
			if got = want; !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hidden") || strings.Contains(err.Error(), "a:b") {
				t.Errorf("%q: got %v, want %q", in, err, want)
			}
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	if host, secure, err := endpoint("http://minio.example", true); host != "minio.example" || secure || err != nil {
		t.Errorf("got %s, %t (%v)", host, secure, err)
	}
}

func TestS3Config(t *testing.T) {
	t.Parallel()
	_, err := S3(S3Config{AccessKey: "key", SecretKey: "secret"})
	wantError(t, err, nil, "needs the name of a bucket")
	_, err = S3(S3Config{Bucket: "b", AccessKey: "key"})
	wantError(t, err, nil, "only a half of the credentials", "AWS_SECRET_ACCESS_KEY")
	_, err = S3(S3Config{Bucket: "b", Endpoint: "two words", AccessKey: "key", SecretKey: "secret"})
	wantError(t, err, nil, "endpoint")
}

// TestS3Environment changes the environment, and is the only one that needs it.
func TestS3Environment(t *testing.T) {
	for _, name := range os.Environ() {
		if name, _, _ = strings.Cut(name, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
		}
	}
	server := newS3(t)
	location := "s3://" + testBucket + "/graphrun?endpoint=" + server.URL
	_, err := Open(location)
	wantError(t, err, nil, "no credentials for S3", "AWS_ACCESS_KEY_ID")

	t.Setenv("AWS_ACCESS_KEY_ID", testKey)
	_, err = Open(location)
	wantError(t, err, nil, "only a half")
	t.Setenv("AWS_SECRET_ACCESS_KEY", testSecret)
	t.Setenv("AWS_SESSION_TOKEN", "session")
	t.Setenv("AWS_DEFAULT_REGION", "eu-test-1")
	open := func() Store {
		store, err := Open(location)
		if err != nil {
			t.Fatal(err)
		}
		return store
	}
	token := ""
	server.once(1, func(_ http.ResponseWriter, r *http.Request) { token = r.Header.Get("X-Amz-Security-Token") })
	_, _ = open().Get(t.Context(), Hash(nil))
	if token != "session" {
		t.Errorf("got the token %q", token)
	}
	store := open()
	wantBlob(t, store, put(t, store, "content"), "content")

	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	roles := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"AccessKeyId": "` + testKey + `", "SecretAccessKey": "x", "Token": "y", "Expiration": "2099-01-01T00:00:00Z"}`))
	}))
	t.Cleanup(roles.Close)
	t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", roles.URL)
	wantBlob(t, open(), Hash([]byte("content")), "content")

	t.Setenv("AWS_REGION", "us-other-1") // goes before AWS_DEFAULT_REGION
	_, err = open().Get(t.Context(), Hash([]byte("content")))
	if wantError(t, err, nil, "us-other-1"); errors.Is(err, ErrNotFound) {
		t.Error("forbidden counts as missing")
	}
}
