package serve

import "google.golang.org/grpc"

// ExtensionConfig is the part of Config that is for code and not for flags.
type ExtensionConfig struct {
	// ServiceRegister is called once, before the node serves, to register services
	// of one's own. It stands for embed.Config.ServiceRegister, and is given the
	// interface rather than the server so that what it registers passes the
	// ServiceDesc seam like every other service.
	ServiceRegister func(grpc.ServiceRegistrar)
	// GRPCAdditionalServerOptions come after the node's own options and before
	// those of its seams. It stands for embed.Config.GRPCAdditionalServerOptions.
	GRPCAdditionalServerOptions []grpc.ServerOption
}
