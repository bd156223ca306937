package ctl

import (
	"errors"
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"

	"glasskv/walkthrough/client"
	"glasskv/walkthrough/screen"
)

// wayOut makes an error one line that says what can be done.
func (c *ctl) wayOut(err error) error {
	if err == nil {
		return nil
	}
	var unreachable *client.UnreachableError
	if errors.As(err, &unreachable) {
		return fmt.Errorf("%w; start a server with `glasskv serve`, or name another with --endpoints", err)
	}
	if shake, ok := errors.AsType[*client.HandshakeError](err); ok {
		return c.wayOutOfHandshake(shake)
	}
	known := rpctypes.Error(err)
	if _, ok := errors.AsType[rpctypes.EtcdError](known); ok {
		return known
	}
	st, ok := status.FromError(err)
	if !ok {
		return err
	}
	endpoints := strings.Join(c.endpoints, ", ")
	if st.Code() == codes.DeadlineExceeded {
		return fmt.Errorf("no reply from %s within %v; give it more time with --command-timeout", endpoints, c.commandTimeout)
	}
	if st.Code() == codes.Unavailable && strings.Contains(st.Message(), "server preface") {
		return notGRPC(endpoints)
	}
	return fmt.Errorf("%s: %s", st.Code(), screen.Escape(st.Message()))
}

func notGRPC(endpoints string) error {
	return fmt.Errorf("%s does not answer as a gRPC server; name the client port with --endpoints", endpoints)
}
