package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/temporal"
)

const (
	host      = "127.0.0.1"
	namespace = "default"
	self      = "one" // the name of the cluster, which knows no other
)

// options are the flags.
type options struct {
	database   string
	port       int
	shards     int
	writes     string
	attributes attributes
	polls      int
	grain      time.Duration
	verbose    bool
}

func main() {
	o := options{attributes: attributes{}}
	flag.StringVar(&o.database, "database", "", "the `file` of the database")
	flag.IntVar(&o.port, "port", 7233, "the `port` of the frontend, on "+host)
	flag.IntVar(&o.shards, "shards", 4, "how many shards a new database has")
	flag.StringVar(&o.writes, "synchronous", "normal", "SQLite's `mode` of writing to the disk: off, normal or full")
	flag.Var(o.attributes, "attribute", "a search attribute of a new database, as `NAME=TYPE`; may be repeated")
	flag.IntVar(&o.polls, "polls", 0, "how often a second a shard looks for tasks, 0 for the server's default")
	flag.DurationVar(&o.grain, "grain", 0, "the grain of timers, 0 for the server's default")
	flag.BoolVar(&o.verbose, "verbose", false, "log what the server does")
	flag.Parse()
	if o.database == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := serve(&o); err != nil {
		fmt.Fprintln(os.Stderr, "server:", err)
		os.Exit(1)
	}
}

// serve returns when the server has stopped.
func serve(o *options) error {
	c, err := settings(o)
	if err != nil {
		return err
	}
	if err := prepare(o, c); err != nil {
		return err
	}
	logger := log.Logger(log.NewNoopLogger())
	if o.verbose {
		logger = log.NewZapLogger(log.BuildZapLogger(log.Config{Level: "info"}))
	}
	s, err := temporal.NewServer(
		temporal.WithConfig(c),
		temporal.ForServices(temporal.DefaultServices),
		temporal.WithStaticHosts(hosts(c)),
		temporal.WithLogger(logger),
		temporal.WithAuthorizer(authorization.NewNoopAuthorizer()),
		temporal.WithClaimMapper(func(*config.Config) authorization.ClaimMapper { return authorization.NewNoopClaimMapper() }),
		temporal.WithDynamicConfigClient(tuning(o)),
	)
	if err != nil {
		return err
	}
	ctx, end := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer end()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		end()
	}()
	if err := s.Start(); err != nil {
		return err
	}
	if err := serves(ctx, o.port); err != nil {
		return err
	}
	fmt.Println("ready")
	<-ctx.Done()
	return s.Stop()
}

// serves returns when the namespace can be used.
func serves(ctx context.Context, port int) error {
	c, err := client.DialContext(ctx, client.Options{HostPort: fmt.Sprintf("%s:%d", host, port), Namespace: namespace,
		Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.DescribeTaskQueueEnhanced(ctx, client.DescribeTaskQueueEnhancedOptions{TaskQueue: "nobody"})
	return err
}

// tuning is what differs from a server that nobody has configured.
func tuning(o *options) dynamicconfig.StaticClient {
	t := dynamicconfig.StaticClient{}
	if o.polls > 0 {
		t[dynamicconfig.TransferProcessorMaxPollRPS.Key()] = o.polls
	}
	if o.grain > 0 {
		t[dynamicconfig.TimerProcessorMaxTimeShift.Key()] = o.grain
	}
	return t
}
