package ctl

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
)

func (c *ctl) newTxnCommand() *cobra.Command {
	var interactive bool
	cmd := &cobra.Command{
		Use:   "txn [flags]",
		Short: "Compare, then write or read, all at once",
		Long: "Read a transaction from standard input and send it: comparisons, then the requests\n" +
			"for when all of them hold, then those for when one does not. An empty line ends\n" +
			"each part.\n\n" +
			"A comparison is value, version, create, mod or lease of a key, an operator\n" +
			"(= != < >) and a value. A request is put, get or del, as on the command line.",
		Example: "  glasskv txn <<'EOF'\n  mod(\"greeting\") > \"0\"\n\n  put greeting \"hello again\"\n\n  put greeting hello\n  EOF",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			req, err := readTxn(cmd.InOrStdin(), func(part string) {
				if interactive {
					fmt.Fprintln(cmd.ErrOrStderr(), part)
				}
			})
			if err != nil {
				return err
			}
			return c.run(cmd, func(ctx context.Context, cc grpc.ClientConnInterface) (reply, error) {
				resp, err := pb.NewKVClient(cc).Txn(ctx, req)
				return func(p printer) { p.txn(resp) }, err
			})
		},
	}
	cmd.Flags().BoolVarP(&interactive, "interactive", "i", false, "say on standard error which part comes next")
	return cmd
}
