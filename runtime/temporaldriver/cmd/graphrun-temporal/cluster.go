package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"

	"fmt"
	"log/slog"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"github.com/graphrun/graphrun/internal/cli"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
	"github.com/graphrun/graphrun/runtime/temporaldriver"
	"github.com/graphrun/graphrun/runtime/temporaldriver/blob"
)

// dialTime is how long a command tries to reach the cluster.
const dialTime = 5 * time.Second

// cluster is where the stacks of the program are.
type cluster struct {
	address, namespace, queue, blobs string

	tls           bool
	cert, key, ca string
	serverName    string
}

var _ cli.Backend = (*cluster)(nil)

// Flags adds the flags that say where the cluster is.
func (c *cluster) Flags(f *pflag.FlagSet) {
	f.StringVar(&c.address, "address", "", "`HOST:PORT` of the cluster (default: TEMPORAL_ADDRESS, or "+client.DefaultHostPort+")")
	f.StringVar(&c.namespace, "namespace", "", "`NAME` of the namespace (default: TEMPORAL_NAMESPACE, or "+client.DefaultNamespace+")")
	f.StringVar(&c.queue, "task-queue", temporaldriver.DefaultTaskQueue, "`NAME` of the task queue that workers take stacks from")
	f.StringVar(&c.blobs, "blobs", "", "`URL` of the store for large values: a folder or s3://BUCKET/PREFIX; the same for all workers and commands")
	f.BoolVar(&c.tls, "tls", false, "talk to the cluster by TLS; the other flags of TLS and an API key imply it")
	f.StringVar(&c.cert, "tls-cert", "", "`FILE` with the certificate of this client")
	f.StringVar(&c.key, "tls-key", "", "`FILE` with its key")
	f.StringVar(&c.ca, "tls-ca", "", "`FILE` with the certificates that the cluster's is checked against (default: those of the system)")
	f.StringVar(&c.serverName, "tls-server-name", "", "`NAME` that the cluster's certificate has (default: the host of --address)")
}

// Connect gives a client of the stacks on the cluster.
func (c *cluster) Connect(ctx context.Context, s *cli.Shell, _ bool) (*api.Client, error) {
	stacks, gone, err := c.open(ctx, s)
	if err != nil {
		return nil, err
	}
	return s.Client(stacks, stacks, func() error { gone(); return nil }), nil
}

// open is a client of the stacks. gone ends the connection.
func (c *cluster) open(ctx context.Context, s *cli.Shell) (stacks *temporaldriver.Client, gone func(), err error) {
	conn, err := c.dial(ctx, s.Logger())
	if err != nil {
		return nil, nil, err
	}
	o := c.options()
	o.Kinds, o.Logger = s.Kinds(), s.Logger()
	if stacks, err = temporaldriver.NewClient(conn, o); err != nil {
		conn.Close()
		return nil, nil, err
	}
	return stacks, conn.Close, nil
}

// options are those that workers and clients have in common.
func (c *cluster) options() temporaldriver.Options {
	return temporaldriver.Options{TaskQueue: c.queue, Namespace: c.namespaceName(), LargeValues: c.blobs != ""}
}

func (c *cluster) namespaceName() string {
	return cmp.Or(c.namespace, os.Getenv("TEMPORAL_NAMESPACE"), client.DefaultNamespace)
}

// dial connects to the cluster. One that cannot be reached is a *runtime.StoreError.
func (c *cluster) dial(ctx context.Context, logger *slog.Logger) (client.Client, error) {
	if c.queue == "" {
		return nil, cli.Usagef("--task-queue is empty: expected the name of a task queue")
	}
	o := client.Options{
		HostPort: cmp.Or(c.address, os.Getenv("TEMPORAL_ADDRESS"), client.DefaultHostPort), Namespace: c.namespaceName(),
		Logger: log.NewStructuredLogger(logger), ConnectionOptions: client.ConnectionOptions{GetSystemInfoTimeout: dialTime},
	}
	var err error
	if o.ConnectionOptions.TLS, err = c.tlsConfig(); err != nil {
		return nil, err
	}
	if key := os.Getenv("TEMPORAL_API_KEY"); key != "" {
		o.Credentials = client.NewAPIKeyStaticCredentials(key)
	}
	if c.blobs != "" {
		store, err := blob.Open(c.blobs)
		if err != nil {
			return nil, cli.Usagef("--blobs: %v", err)
		}
		o.ExternalStorage = blob.ExternalStorage(store)
	}
	ctx, stop := context.WithTimeout(ctx, dialTime)
	defer stop()
	conn, err := client.DialContext(ctx, o)
	if err != nil {
		return nil, &runtime.StoreError{Err: fmt.Errorf("the Temporal cluster at %s cannot be reached: %w (choose another with --address)", o.HostPort, err)}
	}
	return conn, nil
}

// tlsConfig is how the connection is kept from others; nil where it is not.
func (c *cluster) tlsConfig() (*tls.Config, error) {
	cert := cmp.Or(c.cert, os.Getenv("TEMPORAL_TLS_CLIENT_CERT_PATH"))
	key := cmp.Or(c.key, os.Getenv("TEMPORAL_TLS_CLIENT_KEY_PATH"))
	ca := cmp.Or(c.ca, os.Getenv("TEMPORAL_TLS_SERVER_CA_CERT_PATH"))
	name := cmp.Or(c.serverName, os.Getenv("TEMPORAL_TLS_SERVER_NAME"))
	on := c.tls
	if text := os.Getenv("TEMPORAL_TLS"); text != "" && !on {
		var err error
		if on, err = strconv.ParseBool(text); err != nil {
			return nil, cli.Usagef("TEMPORAL_TLS is %q: expected true or false", text)
		}
	}
	if !on && cert == "" && key == "" && ca == "" && name == "" && os.Getenv("TEMPORAL_API_KEY") == "" {
		return nil, nil
	}
	out := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: name}
	if (cert == "") != (key == "") {
		return nil, cli.Usagef("--tls-cert and --tls-key belong together: give both")
	}
	if cert != "" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, cli.Usagef("--tls-cert: %v", err)
		}
		out.Certificates = []tls.Certificate{pair}
	}
	if ca != "" {
		text, err := os.ReadFile(ca)
		if err != nil {
			return nil, cli.Usagef("--tls-ca: %v", err)
		}
		if out.RootCAs = x509.NewCertPool(); !out.RootCAs.AppendCertsFromPEM(text) {
			return nil, cli.Usagef("--tls-ca: %s has no certificate", ca)
		}
	}
	return out, nil
}

func (c *cluster) commands(s *cli.Shell) []*cobra.Command {
	return []*cobra.Command{c.workerCommand(s), c.updateCommand(s)}
}
