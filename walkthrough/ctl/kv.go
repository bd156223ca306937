package ctl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"google.golang.org/grpc"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
)

// keyRange are the flags that select a range of keys.
type keyRange struct {
	prefix  bool
	fromKey bool
}

func (s *keyRange) add(fs *pflag.FlagSet, verb string) {
	fs.BoolVar(&s.prefix, "prefix", false, verb+" all keys that begin with KEY")
	fs.BoolVar(&s.fromKey, "from-key", false, verb+" all keys from KEY on")
}

// allKeys is the key "\x00": as the end of a range it means no upper bound, and as its
// beginning the smallest key.
var allKeys = []byte{0}

// bounds returns the key and the range_end of a request. An end of nil means one key.
func (s *keyRange) bounds(verb string, args []string) (key, end []byte, err error) {
	switch {
	case len(args) == 0 || len(args) > 2:
		return nil, nil, fmt.Errorf("%s needs a key and, for a range, the key before which it ends", verb)
	case s.prefix && s.fromKey:
		return nil, nil, errors.New("--prefix and --from-key exclude each other")
	case len(args) == 2 && (s.prefix || s.fromKey):
		return nil, nil, fmt.Errorf("%s takes one key with --prefix or --from-key", verb)
	}
	key = []byte(args[0])
	switch {
	case len(args) == 2:
		return key, []byte(args[1]), nil
	case !s.prefix && !s.fromKey:
		return key, nil, nil
	case len(key) == 0:
		return allKeys, allKeys, nil
	case s.fromKey:
		return key, allKeys, nil
	}
	return key, prefixEnd(key), nil
}

// prefixEnd returns the smallest key that is greater than all keys with this prefix:
// the prefix with its last byte incremented. Bytes of 0xff at the end are dropped first.
// If all bytes are 0xff, there is no such key and it returns allKeys.
func prefixEnd(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] < 0xff {
			end := append([]byte(nil), prefix[:i+1]...)
			end[i]++
			return end
		}
	}
	return allKeys
}

// putFlags are the flags of put, on the command line and in a txn.
type putFlags struct {
	lease       string
	prevKV      bool
	ignoreValue bool
	ignoreLease bool
}

func (f *putFlags) add(fs *pflag.FlagSet) {
	fs.StringVar(&f.lease, "lease", "0", "lease ID (in hexadecimal) to attach to the key")
	fs.BoolVar(&f.prevKV, "prev-kv", false, "print the key and value that were replaced")
	fs.BoolVar(&f.ignoreValue, "ignore-value", false, "keep the key's current value")
	fs.BoolVar(&f.ignoreLease, "ignore-lease", false, "keep the key's current lease")
}

var (
	errPutArgs = errors.New("put needs a key and a value; the value can also come from standard input")
	errPutLine = errors.New("put needs a key and a value")
)

// request returns the request for args: a key and a value. A missing value is read
// from stdin, or is an error if stdin is nil.
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
			"Put two dashes before a value that begins with a dash: put KEY -- -VALUE",
		Example: "  glasskv put greeting hello\n  glasskv put --trace greeting hello\n  glasskv put file < file",
		RunE: func(cmd *cobra.Command, args []string) error {
			req, err := f.request(args, cmd.InOrStdin())
			if err != nil {
				return err
			}
			return c.run(cmd, func(ctx context.Context, cc grpc.ClientConnInterface) (printReply, error) {
				resp, err := pb.NewKVClient(cc).Put(ctx, req)
				return func(p printer) { p.put(resp) }, err
			})
		},
	}
	f.add(cmd.Flags())
	return cmd
}

// getFlags are the flags of get, on the command line and in a txn.
type getFlags struct {
	keyRange
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
	f.keyRange.add(fs, "get")
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

var sortOrders = map[string]pb.RangeRequest_SortOrder{
	"":        pb.RangeRequest_NONE,
	"ASCEND":  pb.RangeRequest_ASCEND,
	"DESCEND": pb.RangeRequest_DESCEND,
}

var sortTargets = map[string]pb.RangeRequest_SortTarget{
	"":        pb.RangeRequest_KEY,
	"KEY":     pb.RangeRequest_KEY,
	"VERSION": pb.RangeRequest_VERSION,
	"CREATE":  pb.RangeRequest_CREATE,
	"MODIFY":  pb.RangeRequest_MOD,
	"VALUE":   pb.RangeRequest_VALUE,
}

func (f *getFlags) request(args []string) (*pb.RangeRequest, error) {
	key, end, err := f.keyRange.bounds("get", args)
	if err != nil {
		return nil, err
	}
	order, ok := sortOrders[strings.ToUpper(f.order)]
	if !ok {
		return nil, fmt.Errorf("--order %q: use ASCEND or DESCEND", f.order)
	}
	target, ok := sortTargets[strings.ToUpper(f.sortBy)]
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

// check rejects unknown values and flags that contradict each other.
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
			if err := c.checkGetOutput(&f); err != nil {
				return err
			}
			return c.run(cmd, func(ctx context.Context, cc grpc.ClientConnInterface) (printReply, error) {
				resp, err := pb.NewKVClient(cc).Range(ctx, req)
				return func(p printer) { p.get(resp) }, err
			})
		},
	}
	f.add(cmd.Flags())
	return cmd
}

// checkGetOutput rejects flags whose results the output format cannot show.
func (c *ctl) checkGetOutput(f *getFlags) error {
	if f.countOnly && c.writeOut == formatSimple {
		return errors.New("--count-only needs --write-out fields or json: the simple format has no place for a count")
	}
	if f.valueOnly && c.writeOut != formatSimple {
		return errors.New("--print-value-only is for --write-out simple")
	}
	c.valueOnly = f.valueOnly
	return nil
}

// delFlags are the flags of del, on the command line and in a txn.
type delFlags struct {
	keyRange
	prevKV  bool
	asRange bool
}

func (f *delFlags) add(fs *pflag.FlagSet) {
	f.keyRange.add(fs, "delete")
	fs.BoolVar(&f.prevKV, "prev-kv", false, "print the pairs that were deleted")
	fs.BoolVar(&f.asRange, "range", false, "delete at once, without the pause that RANGE_END brings")
}

func (f *delFlags) request(args []string) (*pb.DeleteRangeRequest, error) {
	key, end, err := f.keyRange.bounds("del", args)
	if err != nil {
		return nil, err
	}
	return &pb.DeleteRangeRequest{Key: key, RangeEnd: end, PrevKv: f.prevKV}, nil
}

// delPause is how long del waits before it deletes a range, as in etcdctl.
const delPause = 2 * time.Second

// pause warns on w and waits for delPause if args are a range, so that a user who
// meant two keys can interrupt. It returns the cause of ctx's end, if that comes first.
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
			return c.run(cmd, func(ctx context.Context, cc grpc.ClientConnInterface) (printReply, error) {
				resp, err := pb.NewKVClient(cc).DeleteRange(ctx, req)
				return func(p printer) { p.del(resp) }, err
			})
		},
	}
	f.add(cmd.Flags())
	return cmd
}

func (c *ctl) newCompactCommand() *cobra.Command {
	var physical bool
	cmd := &cobra.Command{
		Use:     "compact [flags] REVISION",
		Aliases: []string{"compaction"}, // etcdctl's name
		Short:   "Discard the key history before a revision",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			rev, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil {
				return fmt.Errorf("revision %q is not a number", args[0])
			}
			return c.run(cmd, func(ctx context.Context, cc grpc.ClientConnInterface) (printReply, error) {
				resp, err := pb.NewKVClient(cc).Compact(ctx, &pb.CompactionRequest{Revision: rev, Physical: physical})
				return func(p printer) { p.compact(rev, resp) }, err
			})
		},
	}
	cmd.Flags().BoolVar(&physical, "physical", false, "wait until the old revisions are removed from the backend database")
	return cmd
}

func (c *ctl) newLeaseCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "lease",
		Short: "Grant or revoke a lease",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(c.newLeaseGrantCommand(), c.newLeaseRevokeCommand())
	return cmd
}

func (c *ctl) newLeaseGrantCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "grant [flags] TTL",
		Short: "Grant a lease that expires after TTL seconds",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ttl, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil {
				return fmt.Errorf("TTL %q is not a number of seconds", args[0])
			}
			return c.run(cmd, func(ctx context.Context, cc grpc.ClientConnInterface) (printReply, error) {
				resp, err := pb.NewLeaseClient(cc).LeaseGrant(ctx, &pb.LeaseGrantRequest{TTL: ttl})
				return func(p printer) { p.grant(resp) }, err
			})
		},
	}
}

func (c *ctl) newLeaseRevokeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "revoke [flags] LEASE_ID",
		Short: "Revoke a lease and delete its keys",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := parseLease(args[0])
			if err != nil {
				return err
			}
			return c.run(cmd, func(ctx context.Context, cc grpc.ClientConnInterface) (printReply, error) {
				resp, err := pb.NewLeaseClient(cc).LeaseRevoke(ctx, &pb.LeaseRevokeRequest{ID: id})
				return func(p printer) { p.revoke(id, resp) }, err
			})
		},
	}
}
