package serve

import (
	"cmp"
	"fmt"
	"path"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/reflection"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	reflectionv1alpha "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"go.etcd.io/etcd/server/v3/etcdserver/api/v3election/v3electionpb"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3lock/v3lockpb"

	"glasskv/server/v3rpc"
)

// registerServices registers every service of the node on reg, and so each passes the
// ServiceDesc seam.
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

// registerConcurrency registers etcd's own lock and election services. They are clients of
// the key-value store: any client could do what they do.
func (n *Node) registerConcurrency(reg grpc.ServiceRegistrar, services v3rpc.Services) {
	if n.seams.InProcess != nil {
		services = n.seams.InProcess(services)
	}
	n.inProcess = newInProcess(services)
	v3lockpb.RegisterLockServer(reg, newLockServer(n.inProcess))
	v3electionpb.RegisterElectionServer(reg, newElectionServer(n.inProcess))
}

// registerReflection registers the service that describes services and their messages. It
// describes all services that are registered when a client asks, itself included.
func registerReflection(reg registrar) {
	opts := reflection.ServerOptions{Services: reg, DescriptorResolver: descriptors{}}
	reflectionv1.RegisterServerReflectionServer(reg, reflection.NewServerV1(opts))
	reflectionv1alpha.RegisterServerReflectionServer(reg, reflection.NewServer(opts))
}

// descriptors finds the descriptions of messages and services for reflection.
//
// Those that are linked into the program cannot be used as they are: etcd's files are
// registered under names such as kv.proto and import each other as
// etcd/api/mvccpb/kv.proto. A Go program does not need these imports, but a client must
// resolve them. So each file gets the name by which others import it.
type descriptors struct{}

// FindFileByPath returns protoregistry.NotFound if there is no such file.
func (descriptors) FindFileByPath(name string) (protoreflect.FileDescriptor, error) {
	files, err := importableFiles()
	if err != nil {
		return nil, err
	}
	return files.FindFileByPath(name)
}

// FindDescriptorByName returns protoregistry.NotFound if nothing has the name.
func (descriptors) FindDescriptorByName(name protoreflect.FullName) (protoreflect.Descriptor, error) {
	files, err := importableFiles()
	if err != nil {
		return nil, err
	}
	return files.FindDescriptorByName(name)
}

// importableFiles returns all linked files, each under the name by which others import it.
// They are made when a client first asks: with most servers no client does.
var importableFiles = sync.OnceValues(func() (*protoregistry.Files, error) {
	var set descriptorpb.FileDescriptorSet
	imported := make(map[string]string) // last element of an import that does not resolve → the import
	for file := range eachFile {
		set.File = append(set.File, protodesc.ToFileDescriptorProto(file))
		for i := range file.Imports().Len() {
			if imp := file.Imports().Get(i); imp.IsPlaceholder() {
				imported[path.Base(imp.Path())] = imp.Path()
			}
		}
	}
	for _, file := range set.File {
		if name, ok := imported[file.GetName()]; ok {
			file.Name = &name
		}
		for i, name := range file.Dependency { // files of a folder import each other by short names
			file.Dependency[i] = cmp.Or(imported[name], name)
		}
	}
	// No message of a service comes from a file that is not linked in.
	files, err := protodesc.FileOptions{AllowUnresolvable: true}.NewFiles(&set)
	if err != nil {
		return nil, fmt.Errorf("describe services: %w", err)
	}
	return files, nil
})

// eachFile yields every description that is linked into the program.
func eachFile(yield func(protoreflect.FileDescriptor) bool) {
	protoregistry.GlobalFiles.RangeFiles(yield)
}
