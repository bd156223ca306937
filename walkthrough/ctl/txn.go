package ctl

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"google.golang.org/grpc"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
)

func (c *ctl) newTxnCommand() *cobra.Command {
	var interactive bool
	cmd := &cobra.Command{
		Use:   "txn [flags]",
		Short: "Compare, then write or read, in one transaction",
		Long: "Read a transaction from standard input and send it: comparisons, then the requests\n" +
			"to make if all of them hold, then the requests to make if one does not. An empty\n" +
			"line ends each part.\n\n" +
			"A comparison is value, version, create, mod or lease of a key, an operator\n" +
			"(= != < >) and a value. A request is a put, get or del, written as on the command line.",
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
			return c.run(cmd, func(ctx context.Context, cc grpc.ClientConnInterface) (printReply, error) {
				resp, err := pb.NewKVClient(cc).Txn(ctx, req)
				return func(p printer) { p.txn(resp) }, err
			})
		},
	}
	cmd.Flags().BoolVarP(&interactive, "interactive", "i", false, "print on standard error which part comes next")
	return cmd
}

// readTxn reads the input format of etcdctl's txn: comparisons, the requests for
// success, the requests for failure. An empty line or the end of the input ends each
// part. readTxn calls ask with the name of each part before it reads the part.
func readTxn(r io.Reader, ask func(part string)) (*pb.TxnRequest, error) {
	lines := bufio.NewReader(r)
	req := &pb.TxnRequest{}
	ask("compares:")
	err := eachLine(lines, func(line string) error {
		cmp, err := parseCompare(line)
		req.Compare = append(req.Compare, cmp)
		return err
	})
	if err != nil {
		return nil, err
	}
	ask("success requests (get, put, del):")
	if req.Success, err = readOps(lines); err != nil {
		return nil, err
	}
	ask("failure requests (get, put, del):")
	req.Failure, err = readOps(lines)
	return req, err
}

func readOps(lines *bufio.Reader) (ops []*pb.RequestOp, err error) {
	err = eachLine(lines, func(line string) error {
		op, err := parseOp(line)
		ops = append(ops, op)
		return err
	})
	return ops, err
}

// eachLine calls do with every line up to an empty one or the end of the input. The
// first error ends it.
func eachLine(lines *bufio.Reader, do func(string) error) error {
	for {
		line, err := lines.ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read txn: %w", err)
		}
		line = strings.TrimSpace(line)
		if line == "" {
			return nil
		}
		if err := do(line); err != nil {
			return err
		}
	}
}

// parseOp parses one request: put, get or del, written as on the command line.
func parseOp(line string) (*pb.RequestOp, error) {
	args, err := words(line)
	if err != nil {
		return nil, err
	}
	op, err := requestOp(args[0], args[1:])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", line, err)
	}
	return op, nil
}

func requestOp(verb string, args []string) (*pb.RequestOp, error) {
	fs := pflag.NewFlagSet(verb, pflag.ContinueOnError)
	fs.Usage = func() {}
	switch verb {
	case "put":
		var f putFlags
		req, err := parseWith(fs, f.add, args, func(args []string) (*pb.PutRequest, error) { return f.request(args, nil) })
		return &pb.RequestOp{Request: &pb.RequestOp_RequestPut{RequestPut: req}}, err
	case "get":
		var f getFlags
		req, err := parseWith(fs, f.add, args, f.request)
		return &pb.RequestOp{Request: &pb.RequestOp_RequestRange{RequestRange: req}}, err
	case "del", "delete":
		var f delFlags
		req, err := parseWith(fs, f.add, args, f.request)
		return &pb.RequestOp{Request: &pb.RequestOp_RequestDeleteRange{RequestDeleteRange: req}}, err
	}
	return nil, fmt.Errorf("%q is not a request, use put, get or del", verb)
}

func parseWith[R any](fs *pflag.FlagSet, add func(*pflag.FlagSet), args []string, request func([]string) (R, error)) (R, error) {
	add(fs)
	if err := fs.Parse(args); err != nil {
		var zero R
		return zero, err
	}
	return request(fs.Args())
}

var compareResults = map[string]pb.Compare_CompareResult{
	"=":  pb.Compare_EQUAL,
	"==": pb.Compare_EQUAL,
	"!=": pb.Compare_NOT_EQUAL,
	">":  pb.Compare_GREATER,
	"<":  pb.Compare_LESS,
}

// parseCompare parses one comparison, such as mod("key") > "0".
func parseCompare(line string) (*pb.Compare, error) {
	bad := func(why string) error { return fmt.Errorf("comparison %s: %s", line, why) }
	target, rest, _ := strings.Cut(line, "(")
	key, err := strconv.QuotedPrefix(rest)
	if err != nil {
		return nil, bad(`write it as mod("key") > "0"`)
	}
	rest = strings.TrimSpace(rest[len(key):])
	if !strings.HasPrefix(rest, ")") {
		return nil, bad("no ) behind the key")
	}
	args, err := words(rest[1:])
	if err != nil || len(args) != 2 {
		return nil, bad("an operator and a value must follow the key")
	}
	result, ok := compareResults[args[0]]
	if !ok {
		return nil, bad("operator " + strconv.Quote(args[0]) + " is none of = != < >")
	}
	name, err := strconv.Unquote(key)
	if err != nil {
		return nil, bad("bad key")
	}
	cmp := &pb.Compare{Key: []byte(name), Result: result}
	if err := setTarget(cmp, strings.TrimSpace(target), args[1]); err != nil {
		return nil, bad(err.Error())
	}
	return cmp, nil
}

// setTarget sets what of the key is compared, and the value to compare it with.
func setTarget(cmp *pb.Compare, target, value string) error {
	if target == "val" || target == "value" {
		cmp.Target, cmp.TargetUnion = pb.Compare_VALUE, &pb.Compare_Value{Value: []byte(value)}
		return nil
	}
	base := 10
	if target == "lease" {
		base = 16
	}
	n, err := strconv.ParseInt(value, base, 64)
	if err != nil {
		return fmt.Errorf("%q is not a number", value)
	}
	switch target {
	case "ver", "version":
		cmp.Target, cmp.TargetUnion = pb.Compare_VERSION, &pb.Compare_Version{Version: n}
	case "c", "create":
		cmp.Target, cmp.TargetUnion = pb.Compare_CREATE, &pb.Compare_CreateRevision{CreateRevision: n}
	case "m", "mod":
		cmp.Target, cmp.TargetUnion = pb.Compare_MOD, &pb.Compare_ModRevision{ModRevision: n}
	case "lease":
		cmp.Target, cmp.TargetUnion = pb.Compare_LEASE, &pb.Compare_Lease{Lease: n}
	default:
		return fmt.Errorf("%q is none of mod, create, version, value, lease", target)
	}
	return nil
}

// words splits a line at its spaces. A word in double quotes is a Go string literal, a
// word in single quotes is taken literally.
func words(line string) ([]string, error) {
	var out []string
	for {
		line = strings.TrimLeftFunc(line, unicode.IsSpace)
		if line == "" {
			return out, nil
		}
		word, rest, err := nextWord(line)
		if err != nil {
			return nil, err
		}
		out, line = append(out, word), rest
	}
}

// nextWord splits the first word off a line, which must not be empty or begin with a
// space.
func nextWord(line string) (word, rest string, err error) {
	switch line[0] {
	case '"':
		quoted, err := strconv.QuotedPrefix(line)
		if err != nil {
			return "", "", fmt.Errorf("bad string in %s", line)
		}
		word, err = strconv.Unquote(quoted)
		return word, line[len(quoted):], err
	case '\'':
		end := strings.IndexByte(line[1:], '\'')
		if end < 0 {
			return "", "", fmt.Errorf("no closing quote in %s", line)
		}
		return line[1 : end+1], line[end+2:], nil
	}
	end := strings.IndexFunc(line, unicode.IsSpace)
	if end < 0 {
		end = len(line)
	}
	return line[:end], line[end:], nil
}
