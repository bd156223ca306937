package extend

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"glasskv/trace/stages"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/lang"
)

// example is made by one recipe.
type example struct {
	heading string            // the heading of its section in the document
	words   map[string]string // what it puts for the document's words in capitals
	edits   []edit
	checks  []check
	needed  []need
}

// edit changes a file, or adds it.
type edit struct {
	file   string
	change func(old string) (string, error)
}

// check is a command that must succeed. Its output, or the file if one is named, must
// contain what says lists.
type check struct {
	command string
	file    string
	says    []string
}

// need is a file of the recipe without which a check fails. If a command of the recipe
// renames the file, it is a pattern.
type need struct {
	file  string
	check check
}

// says returns a check of a command's output.
func says(command string, texts ...string) check { return check{command: command, says: texts} }

//go:embed all:testdata
var embedded embed.FS

// added returns the edits that add the files below a folder of testdata.
func added(folder string) (edits []edit) {
	dir, err := fs.Sub(embedded, "testdata/"+folder)
	if err != nil {
		panic(err)
	}
	err = fs.WalkDir(dir, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(dir, name)
		edits = append(edits, edit{name, func(string) (string, error) { return string(text), nil }})
		return err
	})
	if err != nil {
		panic(err)
	}
	return edits
}

// replaced returns an edit of texts, pairs of old and new. Each old one must occur once.
func replaced(file string, pairs ...string) edit {
	return edit{file, func(text string) (string, error) {
		for i := 0; i < len(pairs); i += 2 {
			if n := strings.Count(text, pairs[i]); n != 1 {
				return "", fmt.Errorf("%q occurs %d times", pairs[i], n)
			}
			text = strings.Replace(text, pairs[i], pairs[i+1], 1)
		}
		return text, nil
	}}
}

// after returns an edit that inserts text behind another one.
func after(file, place, text string) edit { return replaced(file, place, place+text) }

// before returns an edit that inserts text in front of another one.
func before(file, place, text string) edit { return replaced(file, place, text+place) }

// everywhere returns an edit of a text that occurs at least once.
func everywhere(file, old, text string) edit {
	return edit{file, func(all string) (string, error) {
		if !strings.Contains(all, old) {
			return "", fmt.Errorf("%q does not occur", old)
		}
		return strings.ReplaceAll(all, old, text), nil
	}}
}

// appended returns an edit that appends text to a file.
func appended(file, text string) edit {
	return edit{file, func(old string) (string, error) { return old + text, nil }}
}

var examples = []*example{aStage(), aBranch(), aLesson(), aLanguage(), anExporter()}

func aStage() *example {
	const (
		stage    = "v3rpc.MoveLeader"
		note, zh = "another member is asked to take over the lead", "请另一个成员接任领导者"
		story    = "server/seam/testdata/stories/move_leader.txt"
	)
	catalogue := says("go test ./trace/stages")
	chapters := says("go test ./walkthrough/chapter/...")
	played := check{"go test ./server/seam -run TestStories/move_leader", story, []string{"        " + stage + " "}}
	return &example{
		heading: "A stage",
		words:   map[string]string{"STAGE": stage, "STORY": "move_leader"},
		edits: append(added("stage"),
			after("trace/stages/stage.go", "\tV3Alarm\n", "\tV3MoveLeader\n"),
			before("trace/stages/catalogue_handlers.go", "\t{\n\t\tStage: V3Hash,", `	{
		Stage: V3MoveLeader, Name: "v3rpc.MoveLeader", Parent: Interceptors, Scope: ScopeRequest, Kind: KindWork,
		Upstream: v3rpc.symbol("(*maintenanceServer).MoveLeader"), Seam: "server/seam/front/handlers.go",
		Begin: exact, End: exact, Hold: HoldRequest,
		Next: []Symbol{etcdserver.symbol("(*EtcdServer).MoveLeader")},
	},
`),
			replaced("server/seam/front/handlers.go", "Maintenance_MoveLeader_FullMethodName: stages.GRPCHandler", "Maintenance_MoveLeader_FullMethodName: stages.V3MoveLeader"),
			before("server/seam/hold_all_test.go", "\t{\"v3rpc.Hash backend.hash\", ", `	{"v3rpc.MoveLeader", func(ctx context.Context, c *clients) error {
		if _, err := c.maintenance.MoveLeader(ctx, &pb.MoveLeaderRequest{TargetID: 1}); err == nil {
			return errors.New("a member that does not exist took over")
		}
		return nil
	}},
`),
		),
		checks: []check{
			catalogue, chapters, played,
			says("go test ./server/seam -run TestEveryStageThatCanBeHeldIsHeld"),
			says("go test ./walkthrough/guide ./walkthrough/command"),
			says("go run . explain "+stage+" --lang en", stage, note),
			says("go run . explain "+stage+" --lang zh", stage, zh),
		},
		needed: []need{
			{"trace/stages/catalogue_handlers.go", catalogue},
			{"walkthrough/chapter/zh/*-" + stage + ".md", chapters},
			{"server/seam/front/handlers.go", played},
		},
	}
}

func aBranch() *example {
	const name = "connection-reused"
	catalogue := says("go test ./walkthrough/branch")
	played := says("go test ./walkthrough/demo -run TestEveryBranchIsPlayed/" + name)
	return &example{
		heading: "A branch",
		words:   map[string]string{"BRANCH": name, "STORY": "connection_reused"},
		edits: append(added("branch"),
			appended("walkthrough/branch/endings.yaml", `
- name: connection-reused
  stage: grpc.operateHeaders
  story: connection_reused
  upstream:
    - google.golang.org/grpc.(*Server).serveStreams
  title: {en: the connection is open already, zh: 连接早就开着}
  what: {en: A client sends its next request on the same connection., zh: 客户端在同一条连接上发下一个请求。}
  client: {en: OK, zh: OK}
  look: {en: no stage of the connection, zh: 没有连接的阶段}
`),
			after("walkthrough/demo/acts.go", "\t\"stop\":           {setting{}, stopHard},\n", "\n\t\"connection-reused\": {setting{}, plainPut},\n"),
			after("walkthrough/demo/act_test.go", "\t{\"stop\", \"Unavailable\", []string{\"grpc.handler\"}, []string{\"grpc.flush\"}, \"outcome=stopping\"},\n",
				"\t{\"connection-reused\", \"OK\", []string{\"v3rpc.Put\"}, none, \"\"},\n"),
		),
		checks: []check{
			catalogue, played,
			{"go test ./server/seam -run TestStories/connection_reused", "server/seam/testdata/stories/connection_reused.txt", []string{"connection reused"}},
			says("go test ./walkthrough/guide"),
			says("go run . demo --list --lang en", name, "the connection is open already"),
			says("go run . demo "+name+" --lang en", "look for", "no stage of the connection"),
		},
		needed: []need{
			{"server/seam/testdata/stories/connection_reused.txt", catalogue},
			{"walkthrough/demo/acts.go", played},
		},
	}
}

func aLesson() *example {
	const name = "two-writes"
	course := says("go test ./walkthrough/lesson -run TestTheCourseIsComplete|TestTheCommandAsAStory|TestEveryPlace")
	return &example{
		heading: "A lesson",
		words:   map[string]string{"LESSON": name},
		edits: append(added("lesson"),
			everywhere("README.md", "seventeen lessons", "eighteen lessons"),
			everywhere("README.zh.md", "十七课", "十八课"),
		),
		checks: []check{
			course,
			says("go run . lesson "+name+" --auto --lang en", "Two writes", "✔ All 2 were fine."),
			says("go run . lesson --file walkthrough/lesson/lessons/"+name+" --auto --lang zh", "✔ 2 次都成功。"),
			says("go run . lesson --teacher "+name+" --lang en", "Goal"),
		},
		needed: []need{
			{"walkthrough/lesson/lessons/" + name + "/lesson.yaml", course},
			{"walkthrough/lesson/lessons/" + name + "/teacher.zh.md", course},
		},
	}
}

func aLanguage() *example {
	const note = "ein fdatasync hat alle auf die Platte gebracht"
	explained := says("go run . explain wal.sync --lang de", note, "The disk.") // how it is slow is not translated
	return &example{
		heading: "A language",
		words:   map[string]string{"LANGUAGE": "de"},
		edits: append(added("language"),
			replaced("walkthrough/lang/lang.go", "\tZH Lang = \"zh\"\n", "\tZH Lang = \"zh\"\n\tDE Lang = \"de\"\n",
				"Languages = []Lang{EN, ZH}", "Languages = []Lang{EN, ZH, DE}"),
			edit{"walkthrough/chapter/de/wal.sync.md", germanChapter(note)},
			after("walkthrough/branch/endings.yaml", "    zh: Stop 时还有请求\n", "    de: Stop während einer Anfrage\n"),
			after("walkthrough/lesson/lessons/panic/lesson.yaml", "  zh: handler panic 了\n", "  de: Ein Handler gerät in Panik\n"),
		),
		checks: []check{
			explained,
			says("go test ./walkthrough/lang ./walkthrough/show ./walkthrough/chapter/... ./walkthrough/branch ./walkthrough/page ./scripts/chapters"),
			says("go run ./scripts/chapters", "de: 1 chapters read"),
			says("go run . explain wal.save --lang de", "wal.save"),
			says("go run . demo --list --lang de", "Stop während einer Anfrage", "the connection has become too old"),
			says("go run . lesson --lang de", "Ein Handler gerät in Panik", "One fsync for many"),
			says("go run . lesson panic --auto --lang de", "Ein Handler gerät in Panik", "A handler has a bug and panics."),
			says("go run . lesson --teacher panic --lang de", "Die Klasse weiß"),
		},
		needed: []need{
			{"walkthrough/lang/lang.go", explained},
			{"walkthrough/chapter/de/*-wal.sync.md", explained},
		},
	}
}

// germanChapter returns the English chapter about wal.sync with another note: a
// translation that has begun.
func germanChapter(note string) func(string) (string, error) {
	return func(string) (string, error) {
		english, ok := chapter.Of(stages.WALSync, lang.EN)
		if !ok {
			return "", errors.New("there is no English chapter")
		}
		text, err := os.ReadFile(filepath.Join(root, "walkthrough", "chapter", english.File))
		if err != nil {
			return "", err
		}
		head, rest, found := strings.Cut(string(text), "\nnote: ")
		_, rest, ended := strings.Cut(rest, "\n")
		if !found || !ended {
			return "", errors.New("the chapter has no note")
		}
		return head + "\nnote: " + note + "\n" + rest, nil
	}
}

func anExporter() *example {
	counted := says("go test ./trace/otlp -run TestSpansAreCounted")
	return &example{
		heading: "An exporter",
		words:   map[string]string{"EXPORTER": "counts"},
		edits: append(added("exporter"),
			replaced("trace/otlp/sinks.go",
				"\tsinkFile   = \"file\"\n", "\tsinkCounts = \"counts\"\n\tsinkFile   = \"file\"\n",
				"\tcase sinkFile:\n", "\tcase sinkCounts:\n\t\treturn countSink{o.Writer}, nil\n\tcase sinkFile:\n",
				"(%s, %s, %s or %s)", "(%s, %s, %s, %s or %s)",
				"sinkOTLP, sinkFile)", "sinkOTLP, sinkCounts, sinkFile)"),
			replaced("server/command/tracing.go", "where spans go: none, stdout, ", "where spans go: none, stdout, counts, "),
		),
		checks: []check{counted, says("go run . serve --help", "none, stdout, counts, otlp")},
		needed: []need{{"trace/otlp/sinks.go", counted}, {"trace/otlp/sink_counts.go", counted}},
	}
}
