package serve

import (
	"google.golang.org/grpc"

	"go.etcd.io/etcd/server/v3/etcdserver/api/v3election/v3electionpb"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3lock/v3lockpb"

	"glasskv/server/v3rpc"
)

// registerServices makes every service of the node known to reg. Whatever is
// registered passes through reg, and so through the ServiceDesc seam.
func (n *Node) registerServices(reg registrar) {
	services := v3rpc.NewServices(n.server, v3rpc.Config{
		MaxTxnOps:         n.cfg.MaxTxnOps,
		QuotaBackendBytes: n.cfg.QuotaBackendBytes,
		MaxRequestBytes:   n.cfg.MaxRequestBytes + grpcOverheadBytes,
		Logger:            n.lg,
		Seams:             n.seams.V3RPC,

		StopGRPCServiceOnDefrag: n.cfg.StopGRPCServiceOnDefrag,

		WatchProgressNotifyInterval: n.cfg.WatchProgressNotifyInterval,
	})
	n.health = services.Health
	services.Register(reg)
	n.registerConcurrency(reg, services)
	if n.cfg.ServiceRegister != nil {
		n.cfg.ServiceRegister(reg)
	}
	if n.cfg.EnableGRPCReflection {
		registerReflection(reg)
	}
}

// registerConcurrency serves locks and elections with etcd's own packages. They
// are clients of the key-value store: what they do can be done by any client.
func (n *Node) registerConcurrency(reg grpc.ServiceRegistrar, services v3rpc.Services) {
	if n.seams.InProcess != nil {
		services = n.seams.InProcess(services)
	}
	n.inProcess = newInProcess(services)
	v3lockpb.RegisterLockServer(reg, newLockServer(n.inProcess))
	v3electionpb.RegisterElectionServer(reg, newElectionServer(n.inProcess))
}
