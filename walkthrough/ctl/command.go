// Package ctl holds the commands that talk to a running server: put, get, del,
// txn, compact and lease, with the flags and the output of etcdctl.
//
//	command.go  what all commands share: endpoints, timeouts, TLS, --trace, one run
//	kv.go       put, get, del, compact and lease: flags made into a request
//	txn.go      txn, and the language of its input
//	print.go    replies as etcdctl prints them: simple, fields, json
//	errors.go   errors, with what to do about them
//
// Without --trace a command is an ordinary gRPC client in which no tracing code
// runs. With --trace the request is made by a client whose own stages are in the
// timeline, and the server's part is fetched from the server's trace endpoint.
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

// envPrefix begins the names of the variables that stand for the flags of TLS:
// GLASSKV_CACERT is --cacert.
const envPrefix = "GLASSKV"

// securityFlags are those of TLS, named as etcdctl names them.
type securityFlags struct {
	client.Security
	insecureTransport bool
	own               *pflag.FlagSet // the same flags, alone: no other has a variable
}

func (f *securityFlags) add(fs *pflag.FlagSet) {
	f.own = pflag.NewFlagSet("", pflag.ContinueOnError)
	f.own.SortFlags = false
	f.own.StringVar(&f.CAFile, "cacert", "", "believe servers whose certificates these authorities signed, from a PEM file")
	f.own.StringVar(&f.CertFile, "cert", "", "show the server this certificate, from a PEM file")
	f.own.StringVar(&f.KeyFile, "key", "", "the key that belongs to --cert")
	f.own.BoolVar(&f.SkipVerify, "insecure-skip-tls-verify", false, "believe any server; for tests only")
	f.own.BoolVar(&f.insecureTransport, "insecure-transport", true, "allow connections without TLS")
	fs.AddFlagSet(f.own)
}

// connection says what to connect to and how it is secured. A flag that was not
// given can come from its variable.
func (c *ctl) connection() (client.Options, error) {
	o := client.Options{Endpoints: c.endpoints, DialTimeout: c.dialTimeout, TraceURL: c.trace.endpoint}
	f := &c.security
	if err := flags.SetPflagsFromEnv(nil, envPrefix, f.own); err != nil {
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

// traceFlags are those of --trace. All but the first ask for it to be set.
type traceFlags struct {
	on       bool
	endpoint string
	show     *show.Flags
}

func (f *traceFlags) add(fs *pflag.FlagSet) {
	fs.BoolVar(&f.on, "trace", false, "show the request's timeline behind its reply")
	fs.StringVar(&f.endpoint, "trace-endpoint", "", "where the server's timelines are, as http://host:port (default: where the server says)")
	f.show = show.New()
	f.show.AddFlags(fs)
	fs.Lookup("output").Usage = "the timeline as text for people, or as json for programs and nothing else"
}

// check refuses what has no effect, so that nobody waits for it in vain.
func (f *traceFlags) check() error {
	if f.show.JSON() && !f.on {
		return errors.New("--output json prints the timeline: add --trace, or use --write-out json for the reply")
	}
	return nil
}

// fetchTimeout bounds the wait for the server's part of the timeline. The
// request is over by then; the part lacks little or nothing.
const fetchTimeout = 3 * time.Second

// runTraced sends the request as a client that is observed, and shows the
// timeline behind the reply, or behind nothing when the request failed: a
// failure has a timeline as well.
func (c *ctl) runTraced(ctx context.Context, cmd *cobra.Command, o client.Options, do call, p printer) (err error) {
	observed, err := client.Dial(o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, observed.Close()) }()
	var answer reply
	seen, err := observed.Do(ctx, func(ctx context.Context) (err error) {
		answer, err = do(ctx, observed)
		return err
	})
	if err == nil && !c.trace.show.JSON() {
		answer(p)
		fmt.Fprintln(cmd.OutOrStdout())
	}
	failed := c.wayOut(observed.Explain(err))
	if seen != nil {
		failed = errors.Join(failed, c.showTimeline(cmd, observed, seen))
	}
	return errors.Join(failed, p.err())
}

// showTimeline prints the whole timeline, or the client's part where the
// server's cannot be had; then it says why on standard error.
func (c *ctl) showTimeline(cmd *cobra.Command, observed *client.Client, seen *client.Observation) error {
	ctx, cancel := context.WithTimeout(cmd.Context(), fetchTimeout)
	defer cancel()
	whole, err := observed.Join(ctx, seen)
	if err != nil {
		fmt.Fprintf(cmd.ErrOrStderr(), "only the client's part is shown: %v\n", err)
	}
	return c.trace.show.Print(cmd.OutOrStdout(), whole)
}
