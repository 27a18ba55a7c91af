package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/graphrun/graphrun/runtime/api"
)

// served is a `graphrun serve`.
type served struct{ *process }

// startServe returns when the server has begun.
func startServe(t *testing.T, files map[string]string, args ...string) served {
	t.Helper()
	s := served{start(t, files, append([]string{"graphrun", "serve"}, args...)...)}
	s.await("stderr", "msg=serving")
	return s
}

// again begins another server in the same folder, after the end of this one.
func (s served) again(args ...string) served {
	s.t.Helper()
	s.begin(append([]string{"graphrun", "serve"}, args...)...)
	s.await("stderr", "msg=serving")
	return s
}

// end is how a server is ended, with its exit code.
func (s served) end() int {
	s.t.Helper()
	s.signal(syscall.SIGTERM)
	return s.wait()
}

// token is what the server lets clients in with.
func (s served) token() string {
	s.t.Helper()
	return strings.TrimSpace(s.read(".graphrun/graphrun.db.token"))
}

// url is where the server says that its API is.
func (s served) url() string {
	s.t.Helper()
	s.await("stderr", "msg=API")
	m := regexp.MustCompile(`url=(\S+)`).FindStringSubmatch(s.read("stderr"))
	if m == nil {
		s.t.Fatalf("no url in the log:\n%s", s.read("stderr"))
	}
	return m[1]
}

const (
	tickGraph = `graphrun: 1
name: tick
state: {n: {type: integer, reduce: sum}}
nodes:
  count: {uses: set, with: {n: 1}, writes: {n: output.n}}
edges: [{to: count}]
pause: 50ms
`
	outerGraph = `graphrun: 1
name: outer
state: {n: integer}
nodes:
  child:
    uses: graph
    with: {file: parts/child.yaml}
    writes: {n: output.n}
edges: [{to: child}]
pause: 50ms
`
	childGraph = `graphrun: 1
name: child
state: {n: integer}
nodes:
  set: {uses: set, with: {n: 1}, writes: {n: output.n}}
edges: [{to: set}]
pause: 0s
`
)

// TestWatchesInnerGraphs: a change of a graph within a graph is one of the graph
// that is served; a broken one is refused, and so is one that is gone.
func TestWatchesInnerGraphs(t *testing.T) {
	t.Parallel()
	s := startServe(t, map[string]string{"outer.graphrun.yaml": outerGraph, "parts/child.yaml": childGraph},
		".", "--listen", "off")
	s.must("start", "outer", "--stack", "a")
	is := func(n string) func() bool {
		return func() bool { return strings.Contains(s.must("state", "a", "-o", "json"), `"n":`+n) }
	}
	s.until("the child's value arrives", is("1"))
	s.write("parts/child.yaml", strings.Replace(childGraph, "n: 1}", "n: 23}", 1))
	s.until("the changed child is taken up", is("23"))
	s.write("parts/child.yaml", strings.Replace(childGraph, "uses: set", "uses: sett", 1))
	s.await("stderr", "unknown-kind")
	if err := os.Remove(filepath.Join(s.dir, "parts/child.yaml")); err != nil {
		t.Fatal(err)
	}
	s.await("stderr", "there is no such file")
	if n := strings.Count(s.read("stderr"), "graph refused"); n != 2 {
		t.Errorf("refused %d times, want once for each mistake:\n%s", n, s.read("stderr"))
	}
	s.write("parts/child.yaml", strings.Replace(childGraph, "n: 1}", "n: 456}", 1))
	s.until("the child that came back is taken up", is("456"))
	if code := s.end(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestReadsAgainWhenTold: a change that cannot be seen from outside is found by
// who reads all files.
func TestReadsAgainWhenTold(t *testing.T) {
	t.Parallel()
	for name, tell := range map[string]func(*testing.T, served){
		"SIGHUP": func(_ *testing.T, s served) { s.signal(syscall.SIGHUP) },
		"POST": func(t *testing.T, s served) {
			r, err := api.NewClient(s.url(), s.token()).Reload(t.Context())
			if err != nil || len(r.Changed) != 1 || r.Changed[0] != "tick" || len(r.Refused) != 0 {
				t.Errorf("%+v: %v", r, err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startServe(t, map[string]string{"tick.graphrun.yaml": tickGraph}, ".", "--listen", "127.0.0.1:0")
			s.must("start", "tick", "--stack", "a")
			file := filepath.Join(s.dir, "tick.graphrun.yaml")
			before, err := os.Stat(file)
			if err != nil {
				t.Fatal(err)
			}
			other := file + ".new"
			s.write(filepath.Base(other), strings.Replace(tickGraph, "n: 1}", "n: 7}", 1))
			if err := os.Chtimes(other, before.ModTime(), before.ModTime()); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(other, file); err != nil {
				t.Fatal(err)
			}
			tell(t, s)
			s.until("the changed graph is taken up", func() bool {
				return strings.Contains(s.must("status", "a"), "running") && strings.Contains(s.read("stderr"), `msg="graph taken up" graph=tick`)
			})
		})
	}
}

// certificate writes a certificate for 127.0.0.1 and its key, and gives what
// trusts it.
func certificate(t *testing.T) (cert, key string, pool *x509.CertPool) {
	t.Helper()
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "graphrun test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &secret.PublicKey, secret)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	pool = x509.NewCertPool()
	pool.AppendCertsFromPEM(public)
	return string(public), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})), pool
}

// TestServeTLS: the API is encrypted, still asks for the token, and does not
// talk to those who are not.
func TestServeTLS(t *testing.T) {
	t.Parallel()
	cert, key, pool := certificate(t)
	s := startServe(t, map[string]string{"tick.graphrun.yaml": tickGraph, "cert.pem": cert, "key.pem": key},
		".", "--listen", "127.0.0.1:0", "--tls-cert", "cert.pem", "--tls-key", "key.pem")
	s.must("start", "tick", "--stack", "a")
	url := s.url()
	if !strings.HasPrefix(url, "https://") {
		t.Fatalf("the API is at %s", url)
	}
	get := func(url, token string) (int, string, error) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/v1/stacks", nil)
		if err != nil {
			t.Fatal(err)
		}
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}}
		defer client.CloseIdleConnections()
		resp, err := client.Do(req)
		if err != nil {
			return 0, "", err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		return resp.StatusCode, string(body), err
	}
	if code, body, err := get(url, s.token()); code != http.StatusOK || !strings.Contains(body, `"stack":"a"`) {
		t.Errorf("with the token: %d %s %v", code, body, err)
	}
	if code, body, err := get(url, ""); code != http.StatusUnauthorized {
		t.Errorf("without a token: %d %s %v", code, body, err)
	}
	if code, body, err := get("http"+strings.TrimPrefix(url, "https"), s.token()); err == nil {
		t.Errorf("in the clear: %d %s", code, body)
	}
	if code := s.end(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
