package ctl

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"google.golang.org/grpc"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
)

// getFlags are the flags of get, on the command line and in a txn.
type getFlags struct {
	span
	consistency   string
	order, sortBy string
	limit, rev    int64
	keysOnly      bool
	countOnly     bool
	valueOnly     bool
	minCreate     int64
	maxCreate     int64
	minMod        int64
	maxMod        int64
}

func (f *getFlags) add(fs *pflag.FlagSet) {
	f.span.add(fs, "get")
	fs.StringVar(&f.consistency, "consistency", "l", "l for a linearizable read, s for a serializable one")
	fs.StringVar(&f.order, "order", "", "order of the results: ASCEND or DESCEND")
	fs.StringVar(&f.sortBy, "sort-by", "", "what to sort by: CREATE, KEY, MODIFY, VALUE or VERSION")
	fs.Int64Var(&f.limit, "limit", 0, "largest number of results; 0 means all")
	fs.Int64Var(&f.rev, "rev", 0, "read the store as it was at this revision")
	fs.BoolVar(&f.keysOnly, "keys-only", false, "get the keys without their values")
	fs.BoolVar(&f.countOnly, "count-only", false, "get only the number of keys; see it with -w fields or -w json")
	fs.BoolVar(&f.valueOnly, "print-value-only", false, "print values without their keys")
	fs.Int64Var(&f.minCreate, "min-create-rev", 0, "smallest revision of a key's creation")
	fs.Int64Var(&f.maxCreate, "max-create-rev", 0, "largest revision of a key's creation")
	fs.Int64Var(&f.minMod, "min-mod-rev", 0, "smallest revision of a key's last change")
	fs.Int64Var(&f.maxMod, "max-mod-rev", 0, "largest revision of a key's last change")
}

var orders = map[string]pb.RangeRequest_SortOrder{
	"":        pb.RangeRequest_NONE,
	"ASCEND":  pb.RangeRequest_ASCEND,
	"DESCEND": pb.RangeRequest_DESCEND,
}

var targets = map[string]pb.RangeRequest_SortTarget{
	"":        pb.RangeRequest_KEY,
	"KEY":     pb.RangeRequest_KEY,
	"VERSION": pb.RangeRequest_VERSION,
	"CREATE":  pb.RangeRequest_CREATE,
	"MODIFY":  pb.RangeRequest_MOD,
	"VALUE":   pb.RangeRequest_VALUE,
}

func (f *getFlags) request(args []string) (*pb.RangeRequest, error) {
	key, end, err := f.span.keys("get", args)
	if err != nil {
		return nil, err
	}
	order, ok := orders[strings.ToUpper(f.order)]
	if !ok {
		return nil, fmt.Errorf("--order %q: use ASCEND or DESCEND", f.order)
	}
	target, ok := targets[strings.ToUpper(f.sortBy)]
	if !ok {
		return nil, fmt.Errorf("--sort-by %q: use CREATE, KEY, MODIFY, VALUE or VERSION", f.sortBy)
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	return &pb.RangeRequest{
		Key: key, RangeEnd: end, Limit: f.limit, Revision: f.rev,
		SortOrder: order, SortTarget: target, Serializable: f.consistency == "s",
		KeysOnly: f.keysOnly, CountOnly: f.countOnly,
		MinCreateRevision: f.minCreate, MaxCreateRevision: f.maxCreate,
		MinModRevision: f.minMod, MaxModRevision: f.maxMod,
	}, nil
}

// check refuses flags that contradict each other.
func (f *getFlags) check() error {
	switch {
	case f.consistency != "l" && f.consistency != "s":
		return fmt.Errorf("--consistency %q: use l (linearizable) or s (serializable)", f.consistency)
	case f.keysOnly && f.countOnly:
		return errors.New("--keys-only and --count-only exclude each other")
	case f.maxCreate > 0 && f.minCreate > f.maxCreate:
		return fmt.Errorf("--min-create-rev %d is above --max-create-rev %d", f.minCreate, f.maxCreate)
	case f.maxMod > 0 && f.minMod > f.maxMod:
		return fmt.Errorf("--min-mod-rev %d is above --max-mod-rev %d", f.minMod, f.maxMod)
	}
	return nil
}

func (c *ctl) newGetCommand() *cobra.Command {
	var f getFlags
	cmd := &cobra.Command{
		Use:     "get [flags] KEY [RANGE_END]",
		Short:   "Read a key or a range of keys",
		Example: "  glasskv get greeting\n  glasskv get --prefix gr --keys-only\n  glasskv get --consistency s --trace greeting",
		RunE: func(cmd *cobra.Command, args []string) error {
			req, err := f.request(args)
			if err != nil {
				return err
			}
			if err := c.checkGet(&f); err != nil {
				return err
			}
			return c.run(cmd, func(ctx context.Context, cc grpc.ClientConnInterface) (reply, error) {
				resp, err := pb.NewKVClient(cc).Range(ctx, req)
				return func(p printer) { p.get(resp) }, err
			})
		},
	}
	f.add(cmd.Flags())
	return cmd
}

// checkGet sees to it that the printer shows what was asked for.
func (c *ctl) checkGet(f *getFlags) error {
	if f.countOnly && c.writeOut == formatSimple {
		return errors.New("--count-only needs --write-out fields or json: the simple format has no place for a count")
	}
	if f.valueOnly && c.writeOut != formatSimple {
		return errors.New("--print-value-only is for --write-out simple")
	}
	c.valueOnly = f.valueOnly
	return nil
}
