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

// Node is a running node. It stands for embed.Etcd.
type Node struct {
	cfg    Config
	seams  Seams
	lg     *zap.Logger
	server *etcdserver.EtcdServer
	grpc   *grpc.Server
	http   httpSide
	health *health.Server
	tls    *tls.Config // of https addresses; nil when there is no certificate
	// httpServer serves what does not go to grpc-go's own transport.
	httpServer *http.Server
	// inProcess is the client that locks and elections are made with.
	inProcess *inProcess

	clients serveCtxs
	pending pending // connections that have carried no request yet
	peers   []net.Listener

	// stopping ends when Stop begins; streams end with it.
	stopping  context.Context
	stop      context.CancelFunc
	stopOnce  sync.Once
	stopError error

	// wg counts the goroutines of this package, all of which Stop waits for.
	wg   sync.WaitGroup
	errc chan error
}

// Start listens, opens the data directory and starts the node. It stands for
// embed.StartEtcd and returns before the node is ready, which may take an
// election; ReadyNotify tells when. Clients may connect at once and are accepted
// then. The context bounds Start alone, not the node.
//
// The error is a *ListenError when an address cannot be had, one of etcdserver's
// when the data directory is refused, or one about the configuration. A node that
// was returned must be stopped.
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

// open takes hold of everything that can be refused: the ports first, because
// nothing remains of them when the data directory is refused afterwards.
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

// ReadyNotify returns a channel that is closed when the node serves clients: it
// has a leader and is known to its cluster.
func (n *Node) ReadyNotify() <-chan struct{} { return n.server.ReadyNotify() }

// Err returns a channel that carries the reason when the node can no longer do
// its work: the disk failed, or a listener. The node then acknowledges nothing
// more, but it must still be stopped. The channel is closed by Stop.
func (n *Node) Err() <-chan error { return n.errc }

// fail makes err known. The first failure is the cause; what follows from it
// is only logged.
func (n *Node) fail(err error) {
	select {
	case n.errc <- err:
	default:
		n.lg.Warn("node failed again", zap.Error(err))
	}
}

// watchServer passes on the failure of the raft side.
func (n *Node) watchServer() {
	select {
	case err := <-n.server.Fatal():
		n.fail(err)
	case <-n.stopping.Done():
	}
}

// serveClients begins to accept clients as soon as there is a leader to serve
// them.
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
		n.wg.Go(func() { n.served(sctx, n.serve(sctx)) })
	}
}

// servePeers keeps the place of the transport between members. The port is
// held, so that the address in the cluster's membership is this node's, and who
// calls is hung up on rather than left waiting.
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

// gcPercent is how far the heap may grow between two collections, in percent of
// what is alive. A server's live heap is small beside a machine's memory, and
// collecting it often took about a tenth of the writes per second on two cores.
const gcPercent = 400

// RelaxGC has the process collect its garbage as seldom as `glasskv serve` does,
// unless the user has set GOGC. A program that starts a node to show or to measure it
// calls RelaxGC before, so that requests take as long as they do in serve.
func RelaxGC() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}
