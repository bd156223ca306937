package v3rpc

import (
	"bufio"
	"context"
	"crypto/sha256"
	"hash"
	"slices"

	"go.uber.org/zap"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/storage/backend"
)

// snapshotSendBufferSize is how much of the file one message carries, in bytes.
const snapshotSendBufferSize = 32 * 1024

// Snapshot sends the backend's file as it was when the call came, and after it,
// in a message of its own, the SHA-256 of what was sent. `etcdutl snapshot
// restore` takes both as one file.
func (ms *maintenanceServer) Snapshot(_ *pb.SnapshotRequest, stream pb.Maintenance_SnapshotServer) error {
	sender := &snapshotSender{stream: stream, sum: sha256.New()}
	if v := ms.s.StorageVersion(); v != nil {
		sender.version = v.String()
	}
	err := ms.s.Snapshot(stream.Context(), func(snap backend.Snapshot) error {
		sender.remaining = snap.Size()
		ms.lg.Info("sending database snapshot to client", zap.Int64("total-bytes", snap.Size()))
		return sender.sendFile(snap)
	})
	if err != nil {
		return togRPCError(err)
	}
	ms.lg.Info("sent database snapshot to client", zap.String("storage-version", sender.version))
	return nil
}

// snapshotSender sends what is written to it, one message for each Write.
type snapshotSender struct {
	stream    pb.Maintenance_SnapshotServer
	sum       hash.Hash
	version   string // of the backend's layout; "" when it cannot be told
	remaining int64
}

func (s *snapshotSender) sendFile(snap backend.Snapshot) error {
	w := bufio.NewWriterSize(onlyWriter{s}, snapshotSendBufferSize)
	if _, err := snap.WriteTo(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return s.send(s.sum.Sum(nil))
}

// Write sends p. A client that went away, or a server that stops, ends it.
func (s *snapshotSender) Write(p []byte) (int, error) {
	if err := context.Cause(s.stream.Context()); err != nil {
		return 0, err
	}
	s.remaining -= int64(len(p))
	// A caller in this process may keep the message, and the buffer is used
	// again.
	if err := s.send(slices.Clone(p)); err != nil {
		return 0, err
	}
	return s.sum.Write(p)
}

func (s *snapshotSender) send(blob []byte) error {
	return s.stream.Send(&pb.SnapshotResponse{
		RemainingBytes: uint64(s.remaining), Blob: blob, Version: s.version,
	})
}

// onlyWriter has no other methods that a copy could prefer to Write.
type onlyWriter struct{ w *snapshotSender }

func (o onlyWriter) Write(p []byte) (int, error) { return o.w.Write(p) }
