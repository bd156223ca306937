package command

import (
	"fmt"
	"net/url"

	"github.com/spf13/pflag"

	"go.etcd.io/etcd/client/pkg/v3/types"

	"glasskv/server/serve"
)

// httpFlags are those for clients that speak HTTP/1.
type httpFlags struct {
	cors          []string
	hostWhitelist []string
	metricsURLs   []string
}

// addHTTP declares them, named as etcd's and with its defaults.
func (f *serveFlags) addHTTP(fs *pflag.FlagSet) {
	c := &f.cfg.HTTPConfig
	fs.BoolVar(&c.EnableGRPCGateway, "enable-grpc-gateway", c.EnableGRPCGateway, "serve the API as JSON under /v3/")
	fs.StringSliceVar(&f.http.cors, "cors", []string{"*"},
		"origins whose pages may read the answers in a browser; * for any")
	fs.StringSliceVar(&f.http.hostWhitelist, "host-whitelist", []string{"*"},
		"host names under which HTTP without TLS is answered; * for any")
	fs.StringVar(&c.Metrics, "metrics", c.Metrics, "basic, or extensive: gRPC calls are measured as well")
	fs.StringSliceVar(&f.http.metricsURLs, "listen-metrics-urls", nil,
		"URLs to serve /metrics and the health pages on, beside those for clients")
	f.debugURL.given = true // there is no default that could give way
	fs.Var(&f.debugURL, "listen-debug-url",
		"where to serve profiles, channelz and the last calls, such as http://127.0.0.1:2377; empty for nowhere")
}

// addTo puts what was given into the configuration.
func (f *httpFlags) addTo(cfg *serve.Config) error {
	for _, origin := range f.cors {
		if u, err := url.Parse(origin); origin != "*" && (err != nil || u.Scheme == "" || u.Host == "") {
			return fmt.Errorf("--cors: %q is neither * nor an origin such as http://example.com", origin)
		}
	}
	cfg.CORS, cfg.HostWhitelist = set(f.cors), set(f.hostWhitelist)
	if len(f.metricsURLs) == 0 {
		return nil
	}
	urls, err := types.NewURLs(f.metricsURLs)
	if err != nil {
		return fmt.Errorf("--listen-metrics-urls: %w", err)
	}
	cfg.ListenMetricsURLs = urls
	return nil
}

func set(names []string) map[string]struct{} {
	s := make(map[string]struct{}, len(names))
	for _, name := range names {
		s[name] = struct{}{}
	}
	return s
}
