package etcdserver

import (
	serverstorage "go.etcd.io/etcd/server/v3/storage"

	"go.etcd.io/etcd/server/v3/etcdserver/cindex"
	"go.etcd.io/etcd/server/v3/storage/backend"
	"go.etcd.io/etcd/server/v3/storage/schema"
)

// bootstrappedBackend is the database file and the index up to which the log
// has been applied to it.
type bootstrappedBackend struct {
	be    backend.Backend
	hooks *serverstorage.BackendHooks
	ci    cindex.ConsistentIndexer
}

// openBackend opens the database and thereby locks the data directory. A
// database that cannot be opened is reported through the guarded logger.
func openBackend(cfg *Config) *bootstrappedBackend {
	b := &bootstrappedBackend{ci: cindex.NewConsistentIndex(nil)}
	b.hooks = serverstorage.NewBackendHooks(cfg.Logger, b.ci)
	b.be = backend.New(backendConfig(cfg, b.hooks))
	b.ci.SetBackend(b.be)
	schema.CreateMetaBucket(b.be.BatchTx())
	return b
}

func backendConfig(cfg *Config, hooks backend.Hooks) backend.BackendConfig {
	bcfg := backend.DefaultBackendConfig(cfg.Logger)
	bcfg.Path = cfg.backendPath()
	bcfg.Hooks = hooks
	// Without a timeout the file lock is waited for without end or word.
	bcfg.Timeout = lockTimeout
	if cfg.BackendBatchInterval != 0 {
		bcfg.BatchInterval = cfg.BackendBatchInterval
	}
	if cfg.BackendBatchLimit != 0 {
		bcfg.BatchLimit = cfg.BackendBatchLimit
	}
	if cfg.QuotaBackendBytes > 0 {
		// A tenth more than the quota, for the transactions that get below it
		// again.
		bcfg.MmapSize = uint64(cfg.QuotaBackendBytes + cfg.QuotaBackendBytes/10)
	}
	return bcfg
}

// authEnabled reads the switch from etcd's bucket for authentication, which a
// directory that never had any does not have.
func authEnabled(be backend.Backend) bool {
	tx := be.BatchTx()
	tx.LockOutsideApply()
	defer tx.Unlock()
	tx.UnsafeCreateBucket(schema.Auth)
	_, vals := tx.UnsafeRange(schema.Auth, schema.AuthEnabledKeyName, nil, 0)
	return len(vals) == 1 && len(vals[0]) == 1 && vals[0][0] == 1
}
