package ctl

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
)

func (c *ctl) newCompactCommand() *cobra.Command {
	var physical bool
	cmd := &cobra.Command{
		Use:     "compact [flags] REVISION",
		Aliases: []string{"compaction"}, // etcdctl's name
		Short:   "Forget what keys were before a revision",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			rev, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil {
				return fmt.Errorf("revision %q is not a number", args[0])
			}
			return c.run(cmd, func(ctx context.Context, cc grpc.ClientConnInterface) (reply, error) {
				resp, err := pb.NewKVClient(cc).Compact(ctx, &pb.CompactionRequest{Revision: rev, Physical: physical})
				return func(p printer) { p.compact(rev, resp) }, err
			})
		},
	}
	cmd.Flags().BoolVar(&physical, "physical", false, "wait until the old revisions are gone from the disk's pages")
	return cmd
}
