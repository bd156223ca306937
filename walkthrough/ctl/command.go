// Package ctl implements the commands that talk to a running server: put, get, del,
// txn, compact and lease, with the flags and the output of etcdctl.
//
//	command.go  what all commands share: endpoints, timeouts, TLS, --trace
//	kv.go       put, get, del, compact and lease: flags made into a request
//	txn.go      txn, and the language of its input
//	print.go    replies in etcdctl's formats: simple, fields, json
//	errors.go   errors with advice
//
// Without --trace, a command is an ordinary gRPC client in which no tracing code
// runs. With --trace, the client records its own stages, and the server's part of the
// timeline is fetched from the server's trace endpoint.
package ctl

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"google.golang.org/grpc"

	"go.etcd.io/etcd/pkg/v3/flags"

	"glasskv/walkthrough/client"
	"glasskv/walkthrough/show"
)

// defaultCommandTimeout bounds a request, connecting included, as in etcdctl.
const defaultCommandTimeout = 5 * time.Second

// ctl is a command with the flags that all commands share.
type ctl struct {
	endpoints      []string
	dialTimeout    time.Duration
	commandTimeout time.Duration
	writeOut       string
	hex            bool
	security       securityFlags
	valueOnly      bool // get's --print-value-only, for the simple printer
	trace          traceFlags
}

// call sends one request on a connection and returns a function that prints the reply.
type call func(ctx context.Context, cc grpc.ClientConnInterface) (printReply, error)

// printReply prints the reply of one request. It is not called if the request failed.
type printReply func(printer)

// NewCommands returns the commands put, get, del, txn, compact and lease. A command
// returns its error, on one line and with advice, instead of printing it; the caller
// prints it and chooses the exit code.
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
		silence(cmd)
		cmds = append(cmds, cmd)
	}
	return cmds
}

// silence leaves the printing of errors to the caller of the command, and makes usage
// errors refer to --help.
func silence(cmd *cobra.Command) {
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())
	})
	for _, sub := range cmd.Commands() {
		silence(sub)
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
	printTo, err := do(ctx, conn)
	if err != nil {
		return c.withAdvice(conn.Explain(err))
	}
	printTo(p)
	return p.err()
}

// envPrefix is the prefix of the environment variables that set the TLS flags:
// GLASSKV_CACERT sets --cacert.
const envPrefix = "GLASSKV"

// securityFlags are the flags for TLS, with etcdctl's names.
type securityFlags struct {
	client.Security
	insecureTransport bool
	tlsFlags          *pflag.FlagSet // the flags above; only they can be set by environment variables
}

func (f *securityFlags) add(fs *pflag.FlagSet) {
	f.tlsFlags = pflag.NewFlagSet("", pflag.ContinueOnError)
	f.tlsFlags.SortFlags = false
	f.tlsFlags.StringVar(&f.CAFile, "cacert", "", "trust servers whose certificates these authorities signed, from a PEM file")
	f.tlsFlags.StringVar(&f.CertFile, "cert", "", "present this client certificate to the server, from a PEM file")
	f.tlsFlags.StringVar(&f.KeyFile, "key", "", "private key of --cert, from a PEM file")
	f.tlsFlags.BoolVar(&f.SkipVerify, "insecure-skip-tls-verify", false, "trust any server, for tests only")
	f.tlsFlags.BoolVar(&f.insecureTransport, "insecure-transport", true, "allow connections without TLS")
	fs.AddFlagSet(f.tlsFlags)
}

// connection returns what to connect to and how to secure it. A TLS flag that was not
// given is taken from its environment variable.
func (c *ctl) connection() (client.Options, error) {
	o := client.Options{Endpoints: c.endpoints, DialTimeout: c.dialTimeout, TraceURL: c.trace.endpoint}
	f := &c.security
	if err := flags.SetPflagsFromEnv(nil, envPrefix, f.tlsFlags); err != nil {
		return o, err
	}
	if (f.CertFile == "") != (f.KeyFile == "") {
		return o, errors.New("--cert and --key go together: one of them is missing")
	}
	f.Required = !f.insecureTransport
	var err error
	o.Creds, err = f.Creds(c.endpoints)
	return o, err
}

// traceFlags are --trace and the flags that have an effect only with it.
type traceFlags struct {
	on       bool
	endpoint string
	show     *show.Flags
}

func (f *traceFlags) add(fs *pflag.FlagSet) {
	fs.BoolVar(&f.on, "trace", false, "show the request's timeline after its reply")
	fs.StringVar(&f.endpoint, "trace-endpoint", "", "address of the server's timelines, as http://host:port (default: the one that the server names)")
	f.show = show.New()
	f.show.AddFlags(fs)
	fs.Lookup("output").Usage = "how --trace prints: text for people, or json for programs, which leaves out the reply"
}

// check rejects flags that would have no effect.
func (f *traceFlags) check() error {
	if f.show.JSON() && !f.on {
		return errors.New("--output json prints the timeline: add --trace, or use --write-out json for the reply")
	}
	return nil
}

// fetchTimeout bounds the wait for the server's part of the timeline. The request is
// already over, so that part is complete or nearly so.
const fetchTimeout = 3 * time.Second

// runTraced sends the request with an observed client, prints the reply, and then
// prints the timeline. If the request fails, it prints the timeline alone.
func (c *ctl) runTraced(ctx context.Context, cmd *cobra.Command, o client.Options, do call, p printer) (err error) {
	observed, err := client.Dial(o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, observed.Close()) }()
	var printTo printReply
	seen, err := observed.Do(ctx, func(ctx context.Context) (err error) {
		printTo, err = do(ctx, observed)
		return err
	})
	if err == nil && !c.trace.show.JSON() {
		printTo(p)
		fmt.Fprintln(cmd.OutOrStdout())
	}
	failed := c.withAdvice(observed.Explain(err))
	if seen != nil {
		failed = errors.Join(failed, c.showTimeline(cmd, observed, seen))
	}
	return errors.Join(failed, p.err())
}

// showTimeline prints the whole timeline. If the server's part is not available, it
// prints the client's part and says why on standard error.
func (c *ctl) showTimeline(cmd *cobra.Command, observed *client.Client, seen *client.Observation) error {
	ctx, cancel := context.WithTimeout(cmd.Context(), fetchTimeout)
	defer cancel()
	whole, err := observed.Join(ctx, seen)
	if err != nil {
		fmt.Fprintf(cmd.ErrOrStderr(), "only the client's part is shown: %v\n", err)
	}
	return c.trace.show.Print(cmd.OutOrStdout(), whole)
}
