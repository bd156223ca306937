package house

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

const dependenciesDoc = "docs/dependencies.md"

// checkDependencies compares the modules that the code imports with those for which the
// document of dependencies gives reasons. go.mod's "// indirect" comments do not count.
func checkDependencies(t tree) []string {
	var problems []string
	reasons := sections(t[dependenciesDoc])
	for _, gomod := range t.with("go.mod") {
		direct := directModules(t, gomod)
		for _, module := range slices.Sorted(maps.Keys(direct)) {
			if len(reasons[gomod][module]) < 15 {
				problems = append(problems, fmt.Sprintf("%s: no reason for %s in %s", gomod, module, dependenciesDoc))
			}
		}
		for _, module := range slices.Sorted(maps.Keys(reasons[gomod])) {
			if !direct[module] {
				problems = append(problems, fmt.Sprintf("%s: gives a reason for %s, which %s does not need", dependenciesDoc, module, gomod))
			}
		}
	}
	return problems
}

var row = regexp.MustCompile("^\\| `([^`]+)` \\| *(.*?) *\\|")

// sections returns the reasons in the document: by go.mod, each of which has a heading,
// and by module, each of which has a row.
func sections(doc string) map[string]map[string]string {
	all := make(map[string]map[string]string)
	current := ""
	for line := range strings.Lines(doc) {
		if heading, ok := strings.CutPrefix(line, "## "); ok {
			current = strings.Trim(strings.TrimSpace(heading), "`")
			all[current] = make(map[string]string)
			continue
		}
		if m := row.FindStringSubmatch(line); m != nil && current != "" {
			all[current][m[1]] = m[2]
		}
	}
	return all
}

// shared are the modules whose versions would distort a comparison with the peers.
var shared = regexp.MustCompile(`^(google\.golang\.org/(grpc|protobuf)|go\.etcd\.io/.*|go\.opentelemetry\.io/otel(/sdk)?)$`)

// checkSameVersions finds shared modules of which the peers have another version.
func checkSameVersions(t tree) []string {
	var problems []string
	ours, theirs := versions(t["go.mod"]), versions(t["scripts/peers/go.mod"])
	for _, module := range slices.Sorted(maps.Keys(theirs)) {
		if has := ours[module]; has != "" && has != theirs[module] && shared.MatchString(module) {
			problems = append(problems, fmt.Sprintf("%s: the product has %s, the peers have %s", module, has, theirs[module]))
		}
	}
	return problems
}

func versions(gomod string) map[string]string {
	all := make(map[string]string)
	for line := range strings.Lines(gomod) {
		if m := required.FindStringSubmatch(line); len(m) == 3 && m[2] != "" {
			all[m[1]] = m[2]
		}
	}
	return all
}

var required = regexp.MustCompile(`(?m)^(?:require|tool)?\s*\(?\s*([\w.-]+\.[\w.-]+/\S+)(?:\s+(v\S+))?`)

// directModules returns the required modules that a file of the module imports, or that
// the module has as a tool.
func directModules(t tree, gomod string) map[string]bool {
	modules := slices.Collect(maps.Keys(versions(t[gomod])))
	direct := make(map[string]bool)
	for _, tool := range tools(t[gomod]) {
		direct[longestPrefix(modules, tool)] = true
	}
	for _, src := range t.sources() {
		if moduleOf(t, src.dir) != gomod {
			continue
		}
		for _, imported := range imports(src) {
			if module := longestPrefix(modules, imported); module != "" {
				direct[module] = true
			}
		}
	}
	return direct
}

var toolLines = regexp.MustCompile(`(?m)^tool (?:\(\n((?:\t.*\n)*)\)|(.*))$`)

// tools returns the packages that a go.mod lists as tools.
func tools(gomod string) []string {
	var packages []string
	for _, m := range toolLines.FindAllStringSubmatch(gomod, -1) {
		packages = append(packages, strings.Fields(m[1]+m[2])...)
	}
	return packages
}

// moduleOf returns the path of the go.mod that a folder belongs to.
func moduleOf(t tree, dir string) string {
	for {
		if name := path.Join(dir, "go.mod"); t.has(name) || dir == "." {
			return name
		}
		dir = path.Dir(dir)
	}
}

func longestPrefix(modules []string, imported string) string {
	best := ""
	for _, module := range modules {
		if within(imported, module) && len(module) > len(best) {
			best = module
		}
	}
	return best
}
