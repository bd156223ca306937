package serve

import (
	"errors"
	"fmt"
	"net/http"

	"go.etcd.io/etcd/client/pkg/v3/types"
)

// Levels of detail for HTTPConfig.Metrics.
const (
	// MetricsBasic counts calls.
	MetricsBasic = "basic"
	// MetricsExtensive measures them as well, in a histogram for each method.
	MetricsExtensive = "extensive"
)

// HTTPConfig says what a node offers to clients that speak HTTP/1, and to whom.
// The names are those of embed.Config.
type HTTPConfig struct {
	// EnableGRPCGateway serves the API as JSON under /v3/.
	EnableGRPCGateway bool

	// CORS holds the origins whose pages may read the answers in a browser, and
	// HostWhitelist the host names under which clear HTTP is answered. Nothing
	// or "*" stands for any.
	CORS          map[string]struct{}
	HostWhitelist map[string]struct{}

	// Metrics is MetricsBasic or MetricsExtensive; empty means the former.
	Metrics string
	// ListenMetricsURLs are addresses on which /metrics and the health pages are
	// served as well, and nothing else.
	ListenMetricsURLs types.URLs

	// UserHandlers are pages of the program that embeds the node, by their
	// pattern in an http.ServeMux. They stand behind the same rules as the node's
	// own, which they cannot replace.
	UserHandlers map[string]http.Handler
}

// DefaultHTTPConfig returns etcd's defaults: the gateway is on, for everyone who
// can reach the address.
func DefaultHTTPConfig() HTTPConfig {
	return HTTPConfig{
		EnableGRPCGateway: true,
		CORS:              map[string]struct{}{"*": {}},
		HostWhitelist:     map[string]struct{}{"*": {}},
		Metrics:           MetricsBasic,
	}
}

// validate checks what can be told before anything is opened.
func (c *HTTPConfig) validate() error {
	switch c.Metrics {
	case "", MetricsBasic, MetricsExtensive:
	default:
		return fmt.Errorf("metrics %q: use %s or %s", c.Metrics, MetricsBasic, MetricsExtensive)
	}
	for pattern, h := range c.UserHandlers {
		if pattern == "" || h == nil {
			return errors.New("user handler without a pattern or a handler")
		}
	}
	return nil
}
