package serve

import (
	"google.golang.org/grpc"
)

// ExtensionConfig is what a program that runs a node in itself may add to the
// node, and which of the optional services it serves. docs/extending.md has an
// example.
type ExtensionConfig struct {
	// ServiceRegister registers services of one's own on the node's gRPC server.
	// It is called once, by Start, after the node's services. It stands for
	// embed.Config.ServiceRegister, which is given the *grpc.Server: here it is
	// given only what registers, so that no service gets past the ServiceDesc
	// seam.
	ServiceRegister func(grpc.ServiceRegistrar)

	// GRPCAdditionalServerOptions come after the node's own options and before
	// those of its seams. It stands for embed.Config.GRPCAdditionalServerOptions.
	GRPCAdditionalServerOptions []grpc.ServerOption

	// EnableGRPCReflection lets clients ask for the services and their messages,
	// so that grpcurl needs no .proto files. etcd does not have it.
	EnableGRPCReflection bool

	// StopGRPCServiceOnDefrag makes the health service say NOT_SERVING while a
	// defragmentation is under way. It is etcd's feature of that name.
	StopGRPCServiceOnDefrag bool
}

// DefaultExtensionConfig returns the configuration without additions.
func DefaultExtensionConfig() ExtensionConfig {
	return ExtensionConfig{EnableGRPCReflection: true}
}
