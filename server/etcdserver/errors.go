package etcdserver

import (
	"errors"
	"fmt"
)

// Errors that NewServer returns when it refuses a data directory. They come
// wrapped in what was found; compare with errors.Is. Errors of requests are
// those of go.etcd.io/etcd/server/v3/etcdserver/errors, with etcd's texts.
var (
	// ErrDataDirNotWritable is returned when the data directory cannot be
	// created or written.
	ErrDataDirNotWritable = errors.New("data directory is not writable")

	// ErrDataDirLocked is returned when another process has the data directory
	// open.
	ErrDataDirLocked = errors.New("data directory is in use by another process")

	// ErrOtherCluster is returned when the log was written for another cluster
	// ID than the one that follows from the configuration's token and peer URLs.
	ErrOtherCluster = errors.New("data directory belongs to another cluster")

	// ErrOtherMember is returned when the log or the membership in the backend
	// names another member than the configuration.
	ErrOtherMember = errors.New("data directory belongs to another member")

	// ErrWALBehind is returned when the write-ahead log ends before the last
	// entry that the backend has applied. New entries would get indexes that
	// the backend takes for old ones, and nothing would ever be applied.
	ErrWALBehind = errors.New("write-ahead log ends before the backend's consistent index")

	// ErrWALCorrupt is returned when a record of the write-ahead log does not
	// match its checksum. Only a torn tail is repaired.
	ErrWALCorrupt = errors.New("write-ahead log is corrupt")

	// ErrBackendMissing is returned when the log starts at a snapshot whose
	// database is not there.
	ErrBackendMissing = errors.New("backend is missing or older than the snapshot")

	// ErrAuthEnabled is returned when authentication is switched on in the data
	// directory: serving it without would open it to everybody.
	ErrAuthEnabled = errors.New("data directory has authentication enabled, which is not supported")

	// ErrAuthNotEnforced is returned when a client asks for authentication to be
	// switched on. It wraps errors.ErrUnsupported.
	ErrAuthNotEnforced = fmt.Errorf("%w: this server does not enforce authentication, so it cannot be enabled", errors.ErrUnsupported)

	// ErrSingleMemberOnly is returned when the configuration or the data
	// directory describes more than one member, or asks to join an existing
	// cluster: there is no transport between members yet.
	ErrSingleMemberOnly = errors.New("only clusters of one member are supported")
)

// Errors of a configuration that is not complete.
var (
	errNoDataDir = errors.New("no data directory given")
	errNotNamed  = errors.New("it does not name this member")
)

// errUnsupportedEntry stops a member that meets an entry it cannot apply:
// going on would let its state drift from that of the other members.
var errUnsupportedEntry = errors.New("log holds a request that is not supported")

// errSnapshotReceived stops a member that is sent a snapshot, for which there
// is no transport.
var errSnapshotReceived = errors.New("received a snapshot from a leader, which is not supported")
