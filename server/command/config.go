package command

import (
	"errors"
	"fmt"
	"math"

	"go.etcd.io/etcd/client/pkg/v3/types"

	"glasskv/server/serve"
)

// config puts the flags together. What it refuses could not be repaired by
// any default; each error names the flag.
func (f *serveFlags) config() (serve.Config, error) {
	cfg := f.cfg
	if cfg.DataDir == "" {
		cfg.DataDir = cfg.Name + ".glasskv"
	}
	if err := f.addURLs(&cfg); err != nil {
		return cfg, err
	}
	if err := f.http.addTo(&cfg); err != nil {
		return cfg, err
	}
	if err := f.addInitialCluster(&cfg); err != nil {
		return cfg, err
	}
	if err := f.checkTimes(); err != nil {
		return cfg, err
	}
	cfg.ElectionTicks = int(f.electionMs / cfg.TickMs)
	// For etcd's flags 0 means "keep all", in the configuration it means "not
	// given".
	for _, files := range []*uint{&cfg.MaxSnapFiles, &cfg.MaxWALFiles} {
		if *files == 0 {
			*files = math.MaxInt32
		}
	}
	if err := cfg.Validate(); err != nil {
		return cfg, withWayOut(err)
	}
	return cfg, nil
}

func (f *serveFlags) addURLs(cfg *serve.Config) error {
	for _, flag := range []struct {
		name   string
		values []string
		urls   *types.URLs
	}{
		{"listen-client-urls", f.listenClientURLs, &cfg.ListenClientURLs},
		{"listen-client-http-urls", f.listenHTTPURLs, &cfg.ListenClientHTTPURLs},
		{"listen-peer-urls", f.listenPeerURLs, &cfg.ListenPeerURLs},
		{"advertise-client-urls", f.advertiseClientURLs, &cfg.ClientURLs},
		{"initial-advertise-peer-urls", f.advertisePeerURLs, &cfg.PeerURLs},
	} {
		if len(flag.values) == 0 {
			continue
		}
		urls, err := types.NewURLs(flag.values)
		if err != nil {
			return fmt.Errorf("--%s: %w", flag.name, err)
		}
		*flag.urls = urls
	}
	return nil
}

// addInitialCluster says who the members of a new cluster are. Without
// --initial-cluster that is this member alone.
func (f *serveFlags) addInitialCluster(cfg *serve.Config) error {
	switch f.clusterState {
	case clusterStateNew, clusterStateExisting:
		cfg.NewCluster = f.clusterState == clusterStateNew
	default:
		return fmt.Errorf("--initial-cluster-state %q: use new or existing", f.clusterState)
	}
	if f.initialCluster == "" {
		cfg.InitialPeerURLsMap = types.URLsMap{cfg.Name: cfg.PeerURLs}
		return nil
	}
	members, err := types.NewURLsMap(f.initialCluster)
	if err != nil {
		return fmt.Errorf("--initial-cluster: %w", err)
	}
	own, ok := members[cfg.Name]
	if !ok {
		return fmt.Errorf("--initial-cluster %q does not name this member, %q: give it with --name", f.initialCluster, cfg.Name)
	}
	if own.String() != cfg.PeerURLs.String() {
		return fmt.Errorf("--initial-cluster has %s for this member, --initial-advertise-peer-urls has %s: they must agree", own, cfg.PeerURLs)
	}
	cfg.InitialPeerURLsMap = members
	return nil
}

// checkTimes refuses times with which a leader could not be kept, by etcd's
// rules.
func (f *serveFlags) checkTimes() error {
	switch {
	case f.cfg.TickMs == 0:
		return errors.New("--heartbeat-interval must be above 0")
	case f.electionMs < 5*f.cfg.TickMs:
		return fmt.Errorf("--election-timeout (%d ms) must be at least 5 times --heartbeat-interval (%d ms)", f.electionMs, f.cfg.TickMs)
	case f.electionMs > maxElectionMs:
		return fmt.Errorf("--election-timeout (%d ms) must not be above %d ms", f.electionMs, maxElectionMs)
	}
	return nil
}
