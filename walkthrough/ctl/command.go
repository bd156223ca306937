package ctl

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	"glasskv/walkthrough/client"
)

// defaultCommandTimeout is how long a request may take, as in etcdctl.
const defaultCommandTimeout = 5 * time.Second

// ctl is one command with the flags that all of them share.
type ctl struct {
	endpoints      []string
	dialTimeout    time.Duration
	commandTimeout time.Duration
	writeOut       string
	hex            bool
	security       securityFlags
	valueOnly      bool // get's own; the simple printer's
	trace          traceFlags
}

// call sends one request on a connection and returns its reply.
type call func(ctx context.Context, cc grpc.ClientConnInterface) (reply, error)

// reply prints a reply. It is not called when the request failed.
type reply func(printer)

// NewCommands returns the commands. Errors are returned, one line each, with
// what to do about them; the caller prints them and chooses the exit code.
func NewCommands() []*cobra.Command {
	constructors := []func(*ctl) *cobra.Command{
		(*ctl).newPutCommand, (*ctl).newGetCommand, (*ctl).newDelCommand,
		(*ctl).newTxnCommand, (*ctl).newCompactCommand, (*ctl).newLeaseCommand,
	}
	var cmds []*cobra.Command
	for _, construct := range constructors {
		c := &ctl{}
		cmd := construct(c)
		c.addFlags(cmd)
		prepare(cmd)
		cmds = append(cmds, cmd)
	}
	return cmds
}

// prepare leaves the printing of errors to the caller, and usage to --help.
func prepare(cmd *cobra.Command) {
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())
	})
	for _, sub := range cmd.Commands() {
		prepare(sub)
	}
}

func (c *ctl) addFlags(cmd *cobra.Command) {
	cmd.Flags().SortFlags = false
	fs := cmd.PersistentFlags()
	fs.SortFlags = false
	fs.StringSliceVar(&c.endpoints, "endpoints", []string{client.DefaultEndpoint}, "servers to try, in this order")
	fs.DurationVar(&c.dialTimeout, "dial-timeout", client.DefaultDialTimeout, "how long one attempt to connect may take")
	fs.DurationVar(&c.commandTimeout, "command-timeout", defaultCommandTimeout, "how long the request may take, connecting included")
	fs.StringVarP(&c.writeOut, "write-out", "w", formatSimple, "how the reply is printed: simple, json or fields")
	fs.BoolVar(&c.hex, "hex", false, "print keys and values as hexadecimal escapes")
	c.security.add(fs)
	c.trace.add(fs)
}

// run sends the request of one command and prints its reply.
func (c *ctl) run(cmd *cobra.Command, do call) error {
	options, err := c.connection()
	if err != nil {
		return err
	}
	p, err := c.newPrinter(cmd.OutOrStdout())
	if err != nil {
		return err
	}
	if err := c.trace.check(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), c.commandTimeout)
	defer cancel()
	if c.trace.on {
		return c.runTraced(ctx, cmd, options, do, p)
	}
	conn, err := client.Connect(options)
	if err != nil {
		return err
	}
	defer conn.Close()
	answer, err := do(ctx, conn)
	if err != nil {
		return c.wayOut(conn.Explain(err))
	}
	answer(p)
	return p.err()
}
