package blob

import (
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestOpenFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for location, want := range map[string]string{
		filepath.Join(dir, "plain"):           filepath.Join(dir, "plain"),
		"file://" + filepath.Join(dir, "url"): filepath.Join(dir, "url"),
		"file://" + dir + "/with%20space":     filepath.Join(dir, "with space"),
		filepath.Join(dir, "100%"):            filepath.Join(dir, "100%"),
	} {
		if runtime.GOOS == "windows" && strings.HasPrefix(location, "file") {
			continue // there such a path begins with a drive
		}
		s, err := Open(location)
		if err != nil {
			t.Errorf("%s: %v", location, err)
			continue
		}
		wantBlob(t, s, put(t, s, "content"), "content")
		if _, err := os.Stat(filepath.Join(want, key(Hash([]byte("content"))))); err != nil {
			t.Error(err)
		}
		if _, ok := s.(*FolderStore); !ok {
			t.Errorf("got a %T", s)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	const secret = "hidden"
	for location, want := range map[string]string{
		"":                                           "is empty",
		"file://host/path":                           "file:///PATH",
		"file://":                                    "file:///PATH",
		"file:///path?mode=0600":                     "without parameters",
		"https://bucket.example/blobs":               "there is no store for https://",
		"://x":                                       "not a URL",
		"s3:///prefix":                               "no bucket",
		"s3://key:hidden@bucket/prefix":              "no secrets in a URL",
		"s3://bucket/%zz" + secret:                   "not a URL",
		"s3://bucket/pre#hidden":                     "a # in it",
		"s3://bucket?secret_key=hidden":              "unknown parameter \"secret_key\"",
		"s3://bucket?endpoint=a&endpoint=b":          "needs one value",
		"s3://bucket?region=":                        "needs one value",
		"s3://bucket?insecure=hidden":                "true or false",
		"s3://bucket?region=%zzhidden":               "NAME=VALUE",
		"s3://bucket?endpoint=http://10.0.0.1":       "in the clear",
		"s3://bucket?endpoint=https://hidden:x@host": "no secrets in a URL",
	} {
		s, err := Open(location)
		if s != nil {
			t.Errorf("%s: got a %T", location, s)
		}
		wantError(t, err, nil, want)
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("%s: a secret is in %q", location, err)
		}
	}
}

func TestOpenS3(t *testing.T) {
	t.Parallel()
	for location, want := range map[string]S3Config{
		"s3://bucket":                                           {Bucket: "bucket"},
		"s3://bucket/a/b%20c/?region=eu-x-1":                    {Bucket: "bucket", Prefix: "/a/b c/", Region: "eu-x-1"},
		"s3://bucket/?endpoint=minio:9000":                      {Bucket: "bucket", Prefix: "/", Endpoint: "minio:9000"},
		"s3://bucket?endpoint=http%3A%2F%2Fminio&insecure=true": {Bucket: "bucket", Endpoint: "http://minio", Insecure: true},
	} {
		u, err := url.Parse(location)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := s3Location(u); err != nil || got != want {
			t.Errorf("%s: got %+v (%v), want %+v", location, got, err, want)
		}
	}
}
