package serve

import (
	"encoding/json"
	"net/http"

	"go.etcd.io/etcd/api/v3/version"

	"glasskv/server/etcdserver"
)

// handleVersion adds /version. The server's version is that of the etcd whose
// API this is. It stands for etcdhttp.HandleVersion.
func handleVersion(mux *http.ServeMux, s *etcdserver.EtcdServer) {
	mux.HandleFunc("/version", func(w http.ResponseWriter, r *http.Request) {
		if !allowMethod(w, r, http.MethodGet) {
			return
		}
		vs := version.Versions{Server: version.Version, Cluster: "not_decided", Storage: "unknown"}
		if v := s.Cluster().Version(); v != nil {
			vs.Cluster = v.String()
		}
		if v := s.StorageVersion(); v != nil {
			vs.Storage = v.String()
		}
		writeJSON(w, vs)
	})
}

// allowMethod answers requests by any other method, and then returns false.
func allowMethod(w http.ResponseWriter, r *http.Request, method string) bool {
	if r.Method == method {
		return true
	}
	w.Header().Set("Allow", method)
	http.Error(w, "Method Not Allowed", http.StatusMethodNotAllowed)
	return false
}

// writeJSON writes v without a newline at the end, as etcd does.
func writeJSON(w http.ResponseWriter, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(b) // fails only when the client has gone away
}
