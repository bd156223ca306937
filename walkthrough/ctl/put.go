package ctl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"google.golang.org/grpc"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
)

// putFlags are the flags of put, on the command line and in a txn.
type putFlags struct {
	lease       string
	prevKV      bool
	ignoreValue bool
	ignoreLease bool
}

func (f *putFlags) add(fs *pflag.FlagSet) {
	fs.StringVar(&f.lease, "lease", "0", "lease ID (in hexadecimal) to attach to the key")
	fs.BoolVar(&f.prevKV, "prev-kv", false, "print the pair that was there before")
	fs.BoolVar(&f.ignoreValue, "ignore-value", false, "keep the key's current value")
	fs.BoolVar(&f.ignoreLease, "ignore-lease", false, "keep the key's current lease")
}

var (
	errPutArgs = errors.New("put needs a key and a value; the value can also come from standard input")
	errPutLine = errors.New("put needs a key and a value")
)

// request makes the request of a key and, perhaps, a value. A value that is
// missing is read from stdin, unless that is nil.
func (f *putFlags) request(args []string, stdin io.Reader) (*pb.PutRequest, error) {
	lease, err := parseLease(f.lease)
	if err != nil {
		return nil, err
	}
	req := &pb.PutRequest{Lease: lease, PrevKv: f.prevKV, IgnoreValue: f.ignoreValue, IgnoreLease: f.ignoreLease}
	switch {
	case f.ignoreValue && len(args) > 1:
		return nil, errors.New("put --ignore-value takes a key and no value")
	case f.ignoreValue && len(args) == 1:
	case len(args) == 2:
		req.Value = []byte(args[1])
	case len(args) == 1 && stdin != nil:
		if req.Value, err = io.ReadAll(stdin); err != nil {
			return nil, fmt.Errorf("read value: %w", err)
		}
		if len(req.Value) == 0 {
			return nil, errPutArgs
		}
	case stdin == nil:
		return nil, errPutLine
	default:
		return nil, errPutArgs
	}
	req.Key = []byte(args[0])
	return req, nil
}

func parseLease(hex string) (int64, error) {
	id, err := strconv.ParseInt(hex, 16, 64)
	if err != nil {
		return 0, fmt.Errorf("lease ID %q is not a hexadecimal number", hex)
	}
	return id, nil
}

func (c *ctl) newPutCommand() *cobra.Command {
	var f putFlags
	cmd := &cobra.Command{
		Use:   "put [flags] KEY [VALUE]",
		Short: "Write a key",
		Long: "Write a key. Without VALUE the value is read from standard input.\n\n" +
			"A value that begins with a dash goes behind two of them: put KEY -- -VALUE",
		Example: "  glasskv put greeting hello\n  glasskv put --trace greeting hello\n  glasskv put file < file",
		RunE: func(cmd *cobra.Command, args []string) error {
			req, err := f.request(args, cmd.InOrStdin())
			if err != nil {
				return err
			}
			return c.run(cmd, func(ctx context.Context, cc grpc.ClientConnInterface) (reply, error) {
				resp, err := pb.NewKVClient(cc).Put(ctx, req)
				return func(p printer) { p.put(resp) }, err
			})
		},
	}
	f.add(cmd.Flags())
	return cmd
}
