// Command etcd runs one member of real etcd, with etcd's defaults, on loopback.
package main

import (
	"context"
	"errors"
	"flag"
	"net/url"
	"os"

	"go.etcd.io/etcd/server/v3/embed"

	"glasskv/scripts/peers/internal/peer"
)

var (
	name     = flag.String("name", embed.DefaultName, "the member's name")
	dataDir  = flag.String("data-dir", "", "where the member keeps its data")
	client   = flag.String("listen-client-urls", "http://127.0.0.1:2379", "URL for clients")
	peers    = flag.String("listen-peer-urls", "http://127.0.0.1:2380", "URL for other members")
	snapshot = flag.Uint64("snapshot-count", 0, "entries between two snapshots; 0 is etcd's default")
	quota    = flag.Int64("quota-backend-bytes", 0, "size of the database at which writes are refused; 0 is etcd's default")
	pprof    = flag.Bool("pprof", false, "serve /debug/pprof on the clients' URL")
	logLevel = flag.String("log-level", "warn", "debug, info, warn or error")
	certFile = flag.String("cert-file", "", "certificate for clients; their URL must begin with https then")
	keyFile  = flag.String("key-file", "", "its key")
)

func main() {
	flag.Parse()
	os.Exit(peer.Main(run))
}

func run(ctx context.Context) error {
	cfg, err := config()
	if err != nil {
		return err
	}
	e, err := embed.StartEtcd(cfg)
	if err != nil {
		return err
	}
	defer e.Close()
	select {
	case <-e.Server.ReadyNotify():
	case err := <-e.Err():
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
	peer.Ready(*client)
	select {
	case err := <-e.Err():
		return err
	case <-ctx.Done():
		return nil
	}
}

// config returns etcd's defaults with the changes that the flags make.
func config() (*embed.Config, error) {
	if *dataDir == "" {
		return nil, errors.New("-data-dir is needed")
	}
	clientURL, err := url.Parse(*client)
	if err != nil {
		return nil, err
	}
	peerURL, err := url.Parse(*peers)
	if err != nil {
		return nil, err
	}
	cfg := embed.NewConfig()
	cfg.Name, cfg.Dir, cfg.LogLevel = *name, *dataDir, *logLevel
	cfg.ListenClientUrls, cfg.AdvertiseClientUrls = []url.URL{*clientURL}, []url.URL{*clientURL}
	cfg.ListenPeerUrls, cfg.AdvertisePeerUrls = []url.URL{*peerURL}, []url.URL{*peerURL}
	cfg.InitialCluster = cfg.InitialClusterFromName(*name)
	cfg.ClientTLSInfo.CertFile, cfg.ClientTLSInfo.KeyFile = *certFile, *keyFile
	cfg.QuotaBackendBytes, cfg.EnablePprof = *quota, *pprof
	if *snapshot > 0 {
		cfg.SnapshotCount = *snapshot
	}
	return cfg, nil
}
