package seam

import "glasskv/server/serve"

// doorConfig is what a test may change before a node is started.
type doorConfig struct {
	serve.Config
	serve.Seams
}
