package source

import (
	"fmt"
	"strings"
)

// repositories says where the modules stand whose path is no address. The
// folder is that of the module within its repository.
var repositories = []struct{ module, repository, folder string }{
	{"google.golang.org/grpc", "grpc/grpc-go", ""},
	{"google.golang.org/protobuf", "protocolbuffers/protobuf-go", ""},
	{"go.etcd.io/etcd/api/v3", "etcd-io/etcd", "api"},
	{"go.etcd.io/etcd/pkg/v3", "etcd-io/etcd", "pkg"},
	{"go.etcd.io/etcd/server/v3", "etcd-io/etcd", "server"},
	{"go.etcd.io/etcd/client/v3", "etcd-io/etcd", "client/v3"},
	{"go.etcd.io/etcd/client/pkg/v3", "etcd-io/etcd", "client/pkg"},
	{"go.etcd.io/raft/v3", "etcd-io/raft", ""},
	{"go.etcd.io/bbolt", "etcd-io/bbolt", ""},
	{"go.uber.org/zap", "uber-go/zap", ""},
	{"golang.org/x/net", "golang/net", ""},
	{"golang.org/x/sys", "golang/sys", ""},
	{"golang.org/x/time", "golang/time", ""},
	{"github.com/soheilhy/cmux", "soheilhy/cmux", ""},
	{"github.com/grpc-ecosystem/grpc-gateway/v2", "grpc-ecosystem/grpc-gateway", ""},
}

// url is where lines of a file stand on the Web; "" for a module that is not in
// the list and for a version that is no tag.
func (m module) url(name string, first, last int) string {
	if m.path == "" {
		if !strings.HasPrefix(m.version, "go1") || strings.Contains(m.version, " ") {
			return ""
		}
		return lineURL("golang/go", m.version, "src/"+name, first, last)
	}
	if strings.Count(m.version, "-") > 0 {
		return ""
	}
	for _, r := range repositories {
		if r.module != m.path {
			continue
		}
		if r.folder != "" {
			name = r.folder + "/" + name
		}
		version, _, _ := strings.Cut(m.version, "+")
		return lineURL(r.repository, version, name, first, last)
	}
	return ""
}

func lineURL(repository, tag, name string, first, last int) string {
	return fmt.Sprintf("https://github.com/%s/blob/%s/%s#L%d-L%d", repository, tag, name, first, last)
}
