package ctl

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
)

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
		Short: "Grant a lease that ends after TTL seconds",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ttl, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil {
				return fmt.Errorf("TTL %q is not a number of seconds", args[0])
			}
			return c.run(cmd, func(ctx context.Context, cc grpc.ClientConnInterface) (reply, error) {
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
			return c.run(cmd, func(ctx context.Context, cc grpc.ClientConnInterface) (reply, error) {
				resp, err := pb.NewLeaseClient(cc).LeaseRevoke(ctx, &pb.LeaseRevokeRequest{ID: id})
				return func(p printer) { p.revoke(id, resp) }, err
			})
		},
	}
}
