package serve

import (
	"google.golang.org/grpc"

	"glasskv/server/v3rpc"
)

// registerServices makes every service of the node known to reg.
func (n *Node) registerServices(reg grpc.ServiceRegistrar) {
	services := v3rpc.NewServices(n.server, v3rpc.Config{
		MaxTxnOps:         n.cfg.MaxTxnOps,
		QuotaBackendBytes: n.cfg.QuotaBackendBytes,
		Logger:            n.lg,
	})
	n.health = services.Health
	services.Register(reg)
}
