package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"go.uber.org/zap"
)

// Stop stops the node and returns when nothing of it is left: no goroutine, no open file, no
// port. It is embed.(*Etcd).Close upstream.
//
// Stop ends all streams at once and accepts no new request. Running requests may finish until
// ctx ends or the longest time that a request may take is over. Then their connections are
// closed, and Stop returns an error that wraps the context's. Whatever was acknowledged is on
// disk in any case.
//
// Stop may be called more than once, at any time and by any goroutine; later calls wait for
// the first and return what it returned.
func (n *Node) Stop(ctx context.Context) error {
	n.stopOnce.Do(func() { n.stopError = n.shutdown(ctx) })
	return n.stopError
}

// shutdown stops the parts from the outside in: each is stopped before the parts that it
// uses.
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

// stopServers waits for running requests, and cuts them off when ctx or ReqTimeout ends. It
// closes connections without a request at once. HTTP is stopped first, because its requests
// may wait for a gRPC call to this node. Upstream, embed has a function of the same name.
func (n *Node) stopServers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, n.cfg.ReqTimeout())
	defer cancel()
	begin := time.Now()
	n.pending.closeAll()
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
	if err != nil && !errors.Is(err, net.ErrClosed) { // cmux closes its listeners as well
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
