package serve

import (
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// A client that puts the descriptions together finds every file that one of
// them imports.
func TestDescribedServicesCanBePutTogether(t *testing.T) {
	for _, name := range []protoreflect.FullName{
		"etcdserverpb.KV", "etcdserverpb.Watch", "etcdserverpb.Auth", "v3lockpb.Lock", "v3electionpb.Election", "grpc.health.v1.Health",
	} {
		found, err := descriptors{}.FindDescriptorByName(name)
		if err != nil {
			t.Fatal(err)
		}
		follow(t, found.ParentFile())
	}
}

func follow(t *testing.T, file protoreflect.FileDescriptor) {
	t.Helper()
	for i := range file.Imports().Len() {
		path := file.Imports().Get(i).Path()
		imported, err := descriptors{}.FindFileByPath(path)
		if err != nil {
			t.Fatalf("%s imports %s: %v", file.Path(), path, err)
		}
		if imported.Path() != path {
			t.Fatalf("%s was asked for, %s is what came", path, imported.Path())
		}
		follow(t, imported)
	}
}
