package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"go.uber.org/zap"
)

// Stop takes the node down and returns when nothing of it is left: no
// goroutine, no open file, no port. It stands for embed.(*Etcd).Close.
//
// No new request is accepted from here on. Running ones may finish until ctx
// ends, but no longer than a request may take at all; then their connections are
// closed, and Stop returns an error that says so. Streams have no end of their
// own and are ended at once. Whatever was acknowledged is on disk in any case.
//
// Stop may be called more than once and at any time; later calls wait for the
// first and return what it returned.
func (n *Node) Stop(ctx context.Context) error {
	n.stopOnce.Do(func() { n.stopError = n.shutdown(ctx) })
	return n.stopError
}

// shutdown goes from the outside in, so that each part still has what it
// stands on while it finishes.
func (n *Node) shutdown(ctx context.Context) error {
	if n.seams.Stopping != nil {
		n.seams.Stopping()
	}
	n.health.Shutdown()
	n.stop()
	err := n.stopServers(ctx)
	n.closeHTTP()
	n.inProcess.close()
	n.server.Stop()
	n.clients.close()
	closeAll(n.peers)
	n.wg.Wait()
	close(n.errc)
	return err
}

// stopServers waits for running requests, and cuts them off when the time is up.
// HTTP goes first, because its requests may be waiting for a gRPC call to this
// node. Connections without a request are not waited for. It stands for embed's
// function of that name.
func (n *Node) stopServers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, n.cfg.ReqTimeout())
	defer cancel()
	begin := time.Now()
	n.pending.cut()
	if err := errors.Join(n.stopHTTP(ctx), n.stopGRPC(ctx)); err != nil {
		return fmt.Errorf("stop: running requests were cut off after %s: %w", time.Since(begin).Round(time.Millisecond), err)
	}
	return nil
}

func (n *Node) stopHTTP(ctx context.Context) error {
	err := n.httpServer.Shutdown(ctx)
	if ctx.Err() != nil {
		return errors.Join(ctx.Err(), n.httpServer.Close())
	}
	if err != nil && !errors.Is(err, net.ErrClosed) { // the listeners are cmux's, which closes them as well
		n.lg.Warn("stop HTTP", zap.Error(err))
	}
	return nil
}

func (n *Node) stopGRPC(ctx context.Context) error {
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		n.grpc.GracefulStop()
	}()
	select {
	case <-finished:
		return nil
	case <-ctx.Done():
		n.grpc.Stop()
		<-finished
		return ctx.Err()
	}
}
