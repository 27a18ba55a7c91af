package main

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"strconv"
	"strings"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/membership/static"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	"go.temporal.io/server/common/primitives"
	sqliteschema "go.temporal.io/server/schema/sqlite"
	"go.temporal.io/server/temporal"
)

// attributes are search attributes by their names.
type attributes map[string]enumspb.IndexedValueType

func (a attributes) String() string { return "" }

func (a attributes) Set(text string) error {
	name, kind, _ := strings.Cut(text, "=")
	t, err := enumspb.IndexedValueTypeFromString(kind)
	if err != nil {
		return err
	}
	a[name] = t
	return nil
}

// settings are all parts of a cluster in one process, each at a port of its own.
func settings(o *options) (*config.Config, error) {
	services := map[string]config.Service{}
	for _, name := range temporal.DefaultServices {
		rpc := config.RPC{GRPCPort: o.port, BindOnLocalHost: true}
		if name != string(primitives.FrontendService) {
			var err error
			if rpc.GRPCPort, err = freePort(); err != nil {
				return nil, err
			}
		}
		services[name] = config.Service{RPC: rpc}
	}
	address := net.JoinHostPort(host, strconv.Itoa(o.port))
	const disabled = "disabled"
	return &config.Config{
		Global: config.Global{Membership: config.Membership{BroadcastAddress: host}},
		Persistence: config.Persistence{
			DefaultStore: sqlite.PluginName, VisibilityStore: sqlite.PluginName, NumHistoryShards: int32(o.shards),
			DataStores: map[string]config.DataStore{sqlite.PluginName: {SQL: &config.SQL{
				PluginName: sqlite.PluginName, DatabaseName: o.database,
				ConnectAttributes: map[string]string{"mode": "rwc", "journal_mode": "wal", "synchronous": o.writes},
			}}},
		},
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: 10, MasterClusterName: self, CurrentClusterName: self,
			ClusterInformation: map[string]cluster.ClusterInformation{self: {Enabled: true, InitialFailoverVersion: 1, RPCAddress: address}},
		},
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		PublicClient:        config.PublicClient{HostPort: address},
		Services:            services,
		Archival: config.Archival{
			History:    config.HistoryArchival{State: disabled},
			Visibility: config.VisibilityArchival{State: disabled},
		},
		NamespaceDefaults: config.NamespaceDefaults{Archival: config.ArchivalNamespaceDefaults{
			History:    config.HistoryArchivalNamespaceDefaults{State: disabled},
			Visibility: config.VisibilityArchivalNamespaceDefaults{State: disabled},
		}},
	}, nil
}

// hosts says where each part is. A list of members in the database would still have those of a
// server that was killed, and a part of the next one may wait for them.
func hosts(c *config.Config) map[primitives.ServiceName]static.Hosts {
	all := map[primitives.ServiceName]static.Hosts{}
	for name, s := range c.Services {
		all[primitives.ServiceName(name)] = static.SingleLocalHost(net.JoinHostPort(host, strconv.Itoa(s.RPC.GRPCPort)))
	}
	return all
}

// prepare makes a new database, which has the namespace.
func prepare(o *options, c *config.Config) error {
	db := c.Persistence.DataStores[sqlite.PluginName].SQL
	_, err := os.Stat(o.database)
	switch {
	case err == nil:
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := sqliteschema.SetupSchema(db); err != nil {
		return err
	}
	n, err := sqliteschema.NewNamespaceConfig(self, namespace, false, o.attributes)
	if err != nil {
		return err
	}
	return sqliteschema.CreateNamespaces(db, n)
}

// freePort is a port that nobody has at the moment.
func freePort() (int, error) {
	l, err := net.Listen("tcp", host+":0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
