package ctl

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"google.golang.org/grpc"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
)

// delFlags are the flags of del, on the command line and in a txn.
type delFlags struct {
	span
	prevKV  bool
	asRange bool
}

func (f *delFlags) add(fs *pflag.FlagSet) {
	f.span.add(fs, "delete")
	fs.BoolVar(&f.prevKV, "prev-kv", false, "print the pairs that were deleted")
	fs.BoolVar(&f.asRange, "range", false, "delete the range at once, without the pause that a RANGE_END brings")
}

func (f *delFlags) request(args []string) (*pb.DeleteRangeRequest, error) {
	key, end, err := f.span.keys("del", args)
	if err != nil {
		return nil, err
	}
	return &pb.DeleteRangeRequest{Key: key, RangeEnd: end, PrevKv: f.prevKV}, nil
}

// delPause is how long one may think again about a range, as in etcdctl.
const delPause = 2 * time.Second

// pause gives a person who meant two keys, and not a range, the time to stop.
func (f *delFlags) pause(ctx context.Context, w io.Writer, args []string) error {
	if len(args) < 2 || f.asRange {
		return nil
	}
	fmt.Fprintf(w, "every key from %q up to %q will be deleted in %v: interrupt to keep them, add --range to skip the pause\n",
		args[0], args[1], delPause)
	select {
	case <-time.After(delPause):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (c *ctl) newDelCommand() *cobra.Command {
	var f delFlags
	cmd := &cobra.Command{
		Use:     "del [flags] KEY [RANGE_END]",
		Short:   "Delete a key or a range of keys",
		Example: "  glasskv del greeting\n  glasskv del --prefix gr --prev-kv",
		RunE: func(cmd *cobra.Command, args []string) error {
			req, err := f.request(args)
			if err != nil {
				return err
			}
			if err := f.pause(cmd.Context(), cmd.ErrOrStderr(), args); err != nil {
				return err
			}
			return c.run(cmd, func(ctx context.Context, cc grpc.ClientConnInterface) (reply, error) {
				resp, err := pb.NewKVClient(cc).DeleteRange(ctx, req)
				return func(p printer) { p.del(resp) }, err
			})
		},
	}
	f.add(cmd.Flags())
	return cmd
}
