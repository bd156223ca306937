package walk

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"glasskv/trace"
	"glasskv/walkthrough/guide"
	"glasskv/walkthrough/show"
	"glasskv/walkthrough/walk/tour"
)

// NewCommand returns `glasskv walk`.
func NewCommand() *cobra.Command {
	o := Options{Show: show.New()}
	cmd := &cobra.Command{
		Use:   "walk [STAGE]",
		Short: "Walk through a request stage by stage: what happens, and the source that does it",
		Long: "Make a request and walk through it stage by stage: the chapter about each, and the source of\n" +
			"grpc-go, raft and etcd that did the work, from this machine's module cache, in the version that\n" +
			"ran. The request is made on a server started for it, or with --endpoint on a running one; or it\n" +
			"is one that has been: of a file (--trace), or of a running server (--last, --trace TRACE_ID).\n\n" +
			"On a terminal one moves about in it, ? lists the keys. Into a pipe, and with --plain, it is text\n" +
			"from top to bottom. STAGE is where to begin; `glasskv stages` lists them.",
		Example: "  glasskv walk\n  glasskv walk wal.sync --lang zh\n  glasskv walk --request get --plain | less\n  glasskv walk --web\n  glasskv walk --trace traces.json",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return errors.New("walk begins at one stage; `glasskv stages` lists them")
			}
			return nil
		},
		ValidArgsFunction: completeStage,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				stage, known := trace.StageByName(args[0])
				if !known {
					return unknownStage(args[0])
				}
				o.Stage = stage
			}
			if err := o.check(); err != nil {
				return err
			}
			o.In, o.Out, o.Err = cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()
			return Walk(cmd.Context(), o)
		},
	}
	o.addFlags(cmd)
	return cmd
}

func (o *Options) addFlags(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.BoolVar(&o.Plain, "plain", false, "text from top to bottom, for pipes and screen readers")
	fs.BoolVar(&o.Web, "web", false, "a page in a browser: waterfall, chapter and source side by side")
	fs.StringVar(&o.Listen, "listen", "", "where the page is served, as 127.0.0.1:port (default: a free port)")
	fs.StringVar(&o.Request, "request", tour.Names()[0], "the request to make: "+strings.Join(tour.Names(), ", "))
	fs.StringVar(&o.Endpoint, "endpoint", "", "a running server to make it on, as host:port (default: one is started)")
	fs.StringVar(&o.Trace, "trace", "", "a file of spans (OTLP/JSON or stdouttrace's), - for standard input, or a trace ID")
	fs.IntVar(&o.Last, "last", 0, "the last N requests of a running server")
	fs.StringVar(&o.TraceEndpoint, "trace-endpoint", "", "where a server's timelines are, as http://host:port (default: where it says, or "+defaultTraceURL+")")
	o.Show.AddFlags(fs)
	_ = cmd.RegisterFlagCompletionFunc("request", cobra.FixedCompletions(tour.Names(), cobra.ShellCompDirectiveNoFileComp))
}

// check refuses what contradicts itself, before anything is started.
func (o *Options) check() error {
	switch {
	case !slices.Contains(tour.Names(), o.Request):
		return fmt.Errorf("no request %q, use one of %s", o.Request, strings.Join(tour.Names(), ", "))
	case o.Web && (o.Plain || o.Show.JSON()):
		return errors.New("--web is a page; leave out --plain and --output json")
	case o.Listen != "" && !o.Web:
		return errors.New("--listen is for the page; add --web")
	case o.Last < 0:
		return errors.New("--last takes a number above zero")
	case o.Last > 0 && o.Trace != "":
		return errors.New("--last and --trace exclude each other")
	case o.Endpoint != "" && (o.Last > 0 || o.Trace != ""):
		return errors.New("--endpoint is where a request is made; --trace and --last show one that has been, --trace-endpoint says of which server")
	}
	return nil
}

// completeStage offers the stages to the shell, with what happens in each.
func completeStage(_ *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var names []cobra.Completion
	for _, spec := range trace.Specs() {
		if len(args) == 0 && strings.HasPrefix(spec.Name, prefix) {
			names = append(names, cobra.CompletionWithDesc(spec.Name, spec.EN.Note))
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func unknownStage(name string) error {
	near := slices.DeleteFunc(guide.Nearest(name), func(n string) bool {
		_, known := trace.StageByName(n)
		return !known
	})
	if len(near) == 0 {
		return fmt.Errorf("no stage is called %q; `glasskv stages` lists them", name)
	}
	return fmt.Errorf("no stage is called %q; did you mean %s?", name, strings.Join(near, " or "))
}
