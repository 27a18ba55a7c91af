package blob

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// renewAge is the age at which a Put writes an object again, which renews its age.
const renewAge = 24 * time.Hour

// tries of a request take at most some three seconds when each fails at once: a task of a workflow
// has ten seconds, and Temporal tries it again.
const tries = 5

// S3Config says where a bucket is, and who asks.
type S3Config struct {
	Bucket string // required, and has to exist
	Prefix string // of all keys, as in a path, without slashes at its ends; "" for none

	// Endpoint is HOST, HOST:PORT or a URL without a path. Without a scheme it is https, and
	// http is for loopback addresses only, unless Insecure is set. The default is Amazon's.
	Endpoint string
	Insecure bool

	// Region defaults to AWS_REGION, then AWS_DEFAULT_REGION, then us-east-1.
	Region string

	// AccessKey, SecretKey and SessionToken, which may be empty, default to AWS_ACCESS_KEY_ID,
	// AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN. Where these are not set either, but
	// AWS_WEB_IDENTITY_TOKEN_FILE, AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or
	// AWS_CONTAINER_CREDENTIALS_FULL_URI is, as in a cluster that gives roles to its pods,
	// credentials come from there and are renewed in time.
	AccessKey, SecretKey, SessionToken string

	// Transport carries the requests. With nil it is one that honours the proxy variables and
	// SSL_CERT_FILE.
	Transport http.RoundTripper
}

// S3Store keeps blobs as objects PREFIX/ab/abcdef… of a bucket. It needs the permissions
// s3:GetObject and s3:PutObject, and does not delete anything: give the bucket a lifecycle
// rule that expires objects of the prefix by their age, see the package comment.
type S3Store struct {
	client *minio.Core
	config S3Config
	place  string // for errors
	limit  int64  // MaxSize, less in tests
	now    func() time.Time
}

// S3 is the store in a bucket. It sends no request.
func S3(config S3Config) (*S3Store, error) {
	if config.Bucket == "" {
		return nil, errors.New("a store in S3 needs the name of a bucket")
	}
	host, secure, err := endpoint(config.Endpoint, config.Insecure)
	if err != nil {
		return nil, err
	}
	creds, err := identity(config)
	if err != nil {
		return nil, err
	}
	config.Prefix = strings.Trim(config.Prefix, "/")
	for _, region := range []string{os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"), "us-east-1"} {
		if config.Region == "" {
			config.Region = region
		}
	}
	client, err := minio.NewCore(host, &minio.Options{
		Creds:      creds,
		Secure:     secure,
		Region:     config.Region,
		Transport:  config.Transport,
		MaxRetries: tries,
	})
	if err != nil {
		return nil, fmt.Errorf("cannot use the endpoint %q: %w", host, err)
	}
	return &S3Store{
		client: client,
		config: config,
		place:  "s3://" + path.Join(config.Bucket, config.Prefix) + " at " + host,
		limit:  MaxSize,
		now:    time.Now,
	}, nil
}

// endpoint is the host of an endpoint, and whether it is asked by https.
func endpoint(s string, insecure bool) (host string, secure bool, err error) {
	if s == "" {
		return "s3.amazonaws.com", true, nil
	}
	if !strings.Contains(s, "://") {
		s = "https://" + s
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "": // the error would show what may be a secret
		return "", false, errors.New("the endpoint is not a URL: write HOST, HOST:PORT or https://HOST:PORT")
	case u.User != nil:
		return "", false, fmt.Errorf("the endpoint %s has a user in it: %s", u.Host, whereSecretsAre)
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return "", false, fmt.Errorf("the endpoint %s has more than a host and a port: the bucket and the prefix have their own place", u.Host)
	case u.Scheme == "https":
		return u.Host, true, nil
	case u.Scheme != "http":
		return "", false, fmt.Errorf("the endpoint %s has the scheme %q: it has to be https, or http on this machine", u.Host, u.Scheme)
	case !insecure && !isLoopback(u.Hostname()):
		return "", false, fmt.Errorf("the endpoint http://%s would send blobs in the clear: "+
			"use https, or insecure=true where the network is trusted", u.Host)
	}
	return u.Host, false, nil
}

func isLoopback(host string) bool {
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback()
	}
	return host == "localhost"
}

const whereSecretsAre = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment, and no secrets in a URL"

// identity is who asks.
func identity(config S3Config) (*credentials.Credentials, error) {
	key, secret, token := config.AccessKey, config.SecretKey, config.SessionToken
	if key == "" && secret == "" {
		key, secret, token = os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), os.Getenv("AWS_SESSION_TOKEN")
	}
	switch {
	case key != "" && secret != "":
		return credentials.NewStaticV4(key, secret, token), nil
	case key != "" || secret != "":
		return nil, errors.New("there is only a half of the credentials for S3: " + whereSecretsAre)
	}
	for _, role := range []string{"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"} {
		if os.Getenv(role) != "" {
			return credentials.NewIAM(""), nil // which reads these variables
		}
	}
	return nil, errors.New("there are no credentials for S3: " + whereSecretsAre)
}

func (s *S3Store) object(hash string) string { return path.Join(s.config.Prefix, key(hash)) }

// Put writes an object if it is missing, or older than a day: only writing it again renews
// its age. The service verifies the hash of what it receives. Requests that fail for a
// reason that passes are tried again for some seconds.
func (s *S3Store) Put(ctx context.Context, b []byte) (string, error) {
	if int64(len(b)) > s.limit {
		return "", tooLarge("a blob", int64(len(b)), s.limit)
	}
	hash := Hash(b)
	info, err := s.client.StatObject(ctx, s.config.Bucket, s.object(hash), minio.StatObjectOptions{})
	if err == nil && info.Size == int64(len(b)) && s.now().Sub(info.LastModified) < renewAge {
		return hash, nil
	}
	// Without the permission to list a bucket, 403 is all that S3 says of a missing object.
	if r := minio.ToErrorResponse(err); err == nil || r.StatusCode == http.StatusNotFound || r.StatusCode == http.StatusForbidden {
		_, err = s.client.PutObject(ctx, s.config.Bucket, s.object(hash), bytes.NewReader(b), int64(len(b)), "", hash,
			minio.PutObjectOptions{DisableContentSha256: true}) // the whole hash is signed, in place of those of chunks
	}
	if err != nil {
		return "", fmt.Errorf("cannot put a blob of %d bytes into %s: %w", len(b), s.place, s.advised(ctx, err))
	}
	return hash, nil
}

// Get reads a blob. See Store.
func (s *S3Store) Get(ctx context.Context, hash string) ([]byte, error) {
	if err := checkHash(hash); err != nil {
		return nil, err
	}
	place := fmt.Sprintf("%s in %s", key(hash), s.place)
	body, info, _, err := s.client.GetObject(ctx, s.config.Bucket, s.object(hash), minio.GetObjectOptions{})
	if err != nil {
		if minio.ToErrorResponse(err).Code == minio.NoSuchKey {
			return nil, notFound(place)
		}
		return nil, fmt.Errorf("cannot read the blob %s: %w", place, s.advised(ctx, err))
	}
	defer body.Close()
	if info.Size > s.limit {
		return nil, tooLarge(place, info.Size, s.limit)
	}
	buf := bytes.NewBuffer(make([]byte, 0, max(info.Size, 0)+bytes.MinRead))
	if _, err := buf.ReadFrom(io.LimitReader(body, s.limit+1)); err != nil {
		return nil, fmt.Errorf("cannot read the blob %s: %w", place, s.advised(ctx, err))
	}
	if int64(buf.Len()) > s.limit { // of a service that does not tell the size
		return nil, tooLarge(place, int64(buf.Len()), s.limit)
	}
	return verified(buf.Bytes(), hash, place)
}

// advised is an error of the service or of the way to it, with what to do.
func (s *S3Store) advised(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%w; it took too long or was cancelled: check that the endpoint answers", err)
	}
	r := minio.ToErrorResponse(err)
	if r.StatusCode == 0 {
		return fmt.Errorf("%w; check the endpoint and the network", err)
	}
	advice := "look the code up in the documentation of the service"
	switch r.Code {
	case minio.NoSuchBucket:
		advice = "create the bucket, or correct its name"
	case "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken":
		advice = "correct or renew the credentials"
	case minio.AccessDenied:
		advice = "let the credentials do s3:GetObject and s3:PutObject below the prefix, and s3:ListBucket " +
			"to tell what is missing from what is forbidden"
	case minio.AuthorizationHeaderMalformed, minio.InvalidRegion, "PermanentRedirect":
		advice = fmt.Sprintf("give the region of the bucket, %q is not it", s.config.Region)
	case "RequestTimeTooSkewed":
		advice = "set the clock of this machine"
	default:
		if r.StatusCode >= 500 || r.StatusCode == http.StatusTooManyRequests {
			advice = "the service is in trouble or overloaded, and the task will be tried again"
		}
	}
	return fmt.Errorf("%.500s (%.60s, status %d); %s", r.Error(), r.Code, r.StatusCode, advice)
}
