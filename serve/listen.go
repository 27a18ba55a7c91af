package serve

import (
	"crypto/tls"
	"fmt"
	"net"
	"slices"

	"github.com/graphrun/graphrun/runtime/api"
)

// Port is an open TCP port for the API.
type Port struct {
	net.Listener
	scheme string
	hosts  []string
}

// ListenOptions say how a port is opened.
type ListenOptions struct {
	// TLS encrypts the connections. Defaults to none, which needs an address that
	// only this machine reaches, or Insecure.
	TLS *tls.Config
	// Insecure permits an address that other machines reach without TLS. The
	// token then travels in the clear.
	Insecure bool
	// Hosts are names that clients may use for this server, besides localhost and
	// the host of the address.
	Hosts []string
}

// Listen opens a TCP port at HOST:PORT. Open it before the store: a port that is
// taken then changes nothing.
func Listen(addr string, o ListenOptions) (*Port, error) {
	l, err := api.Listen(addr, o.TLS, o.Insecure)
	if err != nil {
		return nil, err
	}
	p := &Port{Listener: l, scheme: "http", hosts: append([]string{"localhost", "127.0.0.1", "::1"}, o.Hosts...)}
	if o.TLS != nil {
		p.scheme = "https"
	}
	host, _, err := net.SplitHostPort(addr)
	if ip := net.ParseIP(host); err == nil && (ip == nil || !ip.IsUnspecified()) && !slices.Contains(p.hosts, host) {
		p.hosts = append(p.hosts, host)
	}
	return p, nil
}

// URL is where clients reach the port.
func (p *Port) URL() string {
	addr := p.Addr().String()
	if host, port, err := net.SplitHostPort(addr); err == nil && net.ParseIP(host).IsUnspecified() {
		addr = net.JoinHostPort("localhost", port)
	}
	return p.scheme + "://" + addr
}

// LoadTLS reads a certificate and its key from PEM files. Connections use TLS 1.2
// or later.
func LoadTLS(certFile, keyFile string) (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("cannot use %s with the key %s: %w", certFile, keyFile, err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}
