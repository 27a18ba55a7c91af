package serve_test

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
	"strings"
	"testing"
	"time"

	"github.com/graphrun/graphrun/runtime/api"
	"github.com/graphrun/graphrun/runtime/memstore"
	"github.com/graphrun/graphrun/serve"
)

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
	dir := t.TempDir()
	write(t, dir, "tick.graphrun.yaml", tick)
	secure, err := serve.LoadTLS(write(t, dir, "cert.pem", cert), write(t, dir, "key.pem", key))
	if err != nil {
		t.Fatal(err)
	}
	o := options(t, memstore.New(), load(t, dir))
	if o.Port, err = serve.Listen("127.0.0.1:0", serve.ListenOptions{TLS: secure}); err != nil {
		t.Fatal(err)
	}
	url := o.Port.URL()
	if !strings.HasPrefix(url, "https://") {
		t.Fatalf("the API is at %s", url)
	}
	end := begin(t, o)
	if _, err := connect(t, o.Path).Start(t.Context(), api.StartRequest{Graph: "tick", Stack: "a"}); err != nil {
		t.Fatal(err)
	}
	token, err := api.Token(o.Path)
	if err != nil {
		t.Fatal(err)
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
	if code, body, err := get(url, token); code != http.StatusOK || !strings.Contains(body, `"stack":"a"`) {
		t.Errorf("with the token: %d %s %v", code, body, err)
	}
	if code, body, err := get(url, ""); code != http.StatusUnauthorized {
		t.Errorf("without a token: %d %s %v", code, body, err)
	}
	if code, body, err := get("http"+strings.TrimPrefix(url, "https"), token); err == nil {
		t.Errorf("in the clear: %d %s", code, body)
	}
	if err := end(); err != nil {
		t.Error(err)
	}
}
