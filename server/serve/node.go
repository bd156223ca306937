package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"sync"

	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"

	"glasskv/server/etcdserver"
)

// Node is a running node. Its methods may be called by any goroutine. It is embed.Etcd
// upstream.
type Node struct {
	cfg    Config
	seams  Seams
	lg     *zap.Logger
	server *etcdserver.EtcdServer
	grpc   *grpc.Server
	http   httpSide
	health *health.Server
	tls    *tls.Config // the configuration of https addresses; nil if there is no certificate
	// httpServer serves the connections that do not go to grpc-go's own transport.
	httpServer *http.Server
	// inProcess is the client of the lock and election services.
	inProcess *inProcess

	clients serveCtxs
	pending pendingConns // connections that have carried no request yet
	peers   []net.Listener

	// stopping ends when Stop begins, and all streams with it.
	stopping  context.Context
	stop      context.CancelFunc
	stopOnce  sync.Once
	stopError error

	// wg counts the goroutines of this package, for which Stop waits.
	wg   sync.WaitGroup
	errc chan error
}

// Start listens, opens the data directory and starts the node. It returns before the node is
// ready, which may take an election; see ReadyNotify. Clients may connect at once, and are
// accepted when the node is ready. The context is for Start only, not for the node. The
// caller must stop the node that Start returns. It is embed.StartEtcd upstream.
//
// The error is a *ListenError if an address cannot be listened on, one of etcdserver's if
// the data directory is refused, or one about the configuration.
func Start(ctx context.Context, cfg Config, seams Seams) (*Node, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	n := &Node{cfg: cfg.withDefaults(), seams: seams, errc: make(chan error, 1)}
	n.lg = n.cfg.Logger
	n.stopping, n.stop = context.WithCancel(context.Background())
	if err := n.open(ctx); err != nil {
		n.stop()
		if n.server != nil {
			n.server.HardStop()
		}
		n.clients.close()
		closeAll(n.peers)
		n.closeHTTP()
		return nil, err
	}
	n.server.Start()
	n.serveMetrics()
	n.wg.Go(n.watchServer)
	n.wg.Go(n.serveClients)
	for _, l := range n.peers {
		n.wg.Go(func() { n.servePeers(l) })
	}
	return n, nil
}

// open does everything that can fail. It opens the ports first, because they leave no trace
// if the data directory is refused afterwards.
func (n *Node) open(ctx context.Context) (err error) {
	if n.peers, err = listen(ctx, "peer", n.cfg.ListenPeerURLs); err != nil {
		return err
	}
	if err := n.listenClients(ctx); err != nil {
		return err
	}
	if err := n.listenMetrics(ctx); err != nil {
		return err
	}
	if err := n.openTLS(); err != nil {
		return err
	}
	if len(n.cfg.ClientURLs) == 0 {
		n.cfg.ClientURLs = n.clients.urls(n.cfg.ListenClientURLs)
	}
	if n.server, err = etcdserver.NewServer(n.cfg.Config, n.seams.Server); err != nil {
		return err
	}
	n.openMetrics()
	n.grpc = newGRPCServer(n)
	if err := n.openHTTP(); err != nil {
		return err
	}
	n.httpServer = n.newHTTPServer()
	return nil
}

// ClientAddrs returns the addresses on which clients are served, in the order
// of ListenClientURLs.
func (n *Node) ClientAddrs() []net.Addr { return n.clients.addrs(n.cfg.ListenClientURLs) }

// ClientHTTPAddrs returns the addresses of ListenClientHTTPURLs, in their order.
func (n *Node) ClientHTTPAddrs() []net.Addr { return n.clients.addrs(n.cfg.ListenClientHTTPURLs) }

// ReadyNotify returns a channel that is closed when the node serves clients: when it has a
// leader and is a published member of its cluster.
func (n *Node) ReadyNotify() <-chan struct{} { return n.server.ReadyNotify() }

// Err returns a channel with the reason when the node can no longer do its work: its disk or
// a listener failed. It must still be stopped then. After a failed disk it acknowledges no
// write. Stop closes the channel.
func (n *Node) Err() <-chan error { return n.errc }

// fail sends err to the channel of Err. Only the first failure is sent, since it is most
// often the cause of the others, which are logged.
func (n *Node) fail(err error) {
	select {
	case n.errc <- err:
	default:
		n.lg.Warn("node failed again", zap.Error(err))
	}
}

// watchServer makes the node fail when the raft side does.
func (n *Node) watchServer() {
	select {
	case err := <-n.server.Fatal():
		n.fail(err)
	case <-n.stopping.Done():
	}
}

// serveClients starts to accept clients when the raft side is ready.
func (n *Node) serveClients() {
	select {
	case <-n.server.ReadyNotify():
	case <-n.server.StopNotify():
		return
	case <-n.stopping.Done():
		return
	}
	n.lg.Info("ready to serve client requests")
	for _, sctx := range n.clients {
		n.wg.Go(func() { n.serveEnded(sctx, n.serve(sctx)) })
	}
}

// servePeers closes every connection to a peer address at once: there is no transport
// between members yet. The node listens all the same, so that no other process takes the
// address that the cluster's membership has for it.
func (n *Node) servePeers(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				n.fail(fmt.Errorf("serve peers on %s: %w", l.Addr(), err))
			}
			return
		}
		_ = conn.Close()
	}
}

// gcPercent is by how many percent of the live heap the heap may grow between two garbage
// collections. A server's live heap is small compared with a machine's memory, and collecting
// it at Go's default of 100 cost about a tenth of the writes per second on two cores.
const gcPercent = 400

// RelaxGC makes the process collect garbage as rarely as `glasskv serve` does, unless the
// user has set GOGC. A program that starts a node to show or to measure it should call
// RelaxGC first, so that requests take as long as they do in serve.
func RelaxGC() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}
