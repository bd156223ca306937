package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
)

// The result is written between these lines of the document that -write names.
const (
	beginMarker = "<!-- bench: begin, written by scripts/bench -->"
	endMarker   = "<!-- bench: end -->"
)

// print writes the result as JSON or as tables, and into the document of -write.
func (r *result) print(w io.Writer, o *options) error {
	if o.json {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(struct {
			*result
			Figures []figure `json:"figures"`
		}{r, r.figures()})
	}
	text := r.markdown()
	if o.write != "" {
		if err := replaceBetween(o.write, text); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, text)
	return err
}

// replaceBetween puts text between the markers of a document and leaves the rest
// as it is.
func replaceBetween(file, text string) error {
	doc, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(doc), beginMarker)
	_, after, closed := strings.Cut(rest, endMarker)
	if !ok || !closed {
		return fmt.Errorf("%s has no lines %q and %q", file, beginMarker, endMarker)
	}
	return os.WriteFile(file, []byte(before+beginMarker+"\n\n"+text+"\n"+endMarker+after), 0o644) //nolint:gosec // a document
}

// markdown returns all tables.
func (r *result) markdown() string {
	var s strings.Builder
	fmt.Fprintf(&s, "Measured on %s. Medians of %d rounds.\n\n", r.Machine, r.Rounds)
	var rows [][]string
	for _, f := range r.figures() {
		met := "reached"
		if !f.Met {
			met = "**missed**"
		}
		rows = append(rows, []string{f.What, f.Reach, f.Got, met})
	}
	table(&s, []string{"what", "goal", "measured", ""}, rows)
	r.turnTable(&s, "Requests per second", []workload{put64, put256, range64, put64TLS, putFresh}, perSecond)
	r.turnTable(&s, "Median latency, µs", []workload{putAlone, range1, put64, put64TLS, putFresh}, p50)
	r.turnTable(&s, "99th percentile of latency, µs", []workload{putAlone, range1, put64, put64TLS, putFresh}, p99)
	r.explainedTable(&s)
	r.watcherTable(&s)
	r.memoryTable(&s)
	return strings.TrimSpace(s.String()) + "\n"
}

// turnTable compares all targets at a few workloads.
func (r *result) turnTable(w io.Writer, title string, columns []workload, of func(turn) float64) {
	columns = slices.DeleteFunc(columns, func(c workload) bool { return len(r.Turns[c.name]) == 0 })
	head := []string{title}
	for _, c := range columns {
		head = append(head, c.name)
	}
	var rows [][]string
	for _, t := range targets {
		row := []string{t.what}
		for _, c := range columns {
			cell := "–"
			if m, ok := r.Turns.median(c, t.name, of); ok {
				cell = grouped(m)
			}
			row = append(row, cell)
		}
		if slices.ContainsFunc(row[1:], func(cell string) bool { return cell != "–" }) {
			rows = append(rows, row)
		}
	}
	table(w, head, rows)
}

func (r *result) explainedTable(w io.Writer) {
	var rows [][]string
	for _, e := range r.Explained {
		outside := "–"
		if e.Observer == byClient {
			outside = fmt.Sprintf("%.1f", e.Outside50)
		}
		rows = append(rows, []string{
			e.Workload, e.Observer, fmt.Sprint(e.Requests), fmt.Sprintf("%.2f %%", 100*e.P50), fmt.Sprintf("%.2f %%", 100*e.P99),
			grouped(e.Duration50), grouped(e.Duration99), outside,
		})
	}
	table(w, []string{
		"Explained", "seen by", "requests", "explained, median", "explained, 1st percentile",
		"p50, µs", "p99, µs", "not in the timeline, µs",
	}, rows)
}

func (r *result) memoryTable(w io.Writer) {
	var rows [][]string
	for _, t := range targets {
		l, ok := r.Memory[t.name]
		if !ok {
			continue
		}
		row := []string{t.what, grouped(float64(l.Requests)), mebibytes(l.Before), mebibytes(l.After), "–", "–"}
		if l.Stats != nil {
			row[4] = fmt.Sprintf("%s of %s", mebibytes(l.Stats.MemoryUsed), mebibytes(l.Stats.MemoryBound))
			row[5] = fmt.Sprintf("%d not recorded, %d overwritten unread", l.Stats.NotRecorded, l.Stats.Overwritten)
		}
		rows = append(rows, row)
	}
	table(w, []string{"A long load", "requests", "resident before", "resident after", "recorder's own account", "lost"}, rows)
}

// table writes a markdown table whose columns also line up as text.
func table(w io.Writer, head []string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	rule := make([]string, len(head))
	for i := range rule {
		rule[i] = "---"
	}
	tw := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	for _, row := range append([][]string{head, rule}, rows...) {
		fmt.Fprintf(tw, "| %s\t|\n", strings.Join(row, "\t| "))
	}
	_ = tw.Flush() // into memory
	fmt.Fprintln(w)
}

// grouped formats a number with commas between its thousands.
func grouped(v float64) string {
	digits := fmt.Sprintf("%.0f", v)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}

func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

// machine describes the machine on which figures were measured.
type machine struct {
	CPU     string `json:"cpu"`
	Cores   int    `json:"cores"`
	Memory  string `json:"memory"`
	Kernel  string `json:"kernel"`
	Disk    string `json:"disk"`
	Go      string `json:"go"`
	Version string `json:"system"`
}

func describeMachine(dir string) machine {
	fs := mountOf(dir)
	return machine{
		CPU:     field("/proc/cpuinfo", "model name"),
		Cores:   runtime.NumCPU(),
		Memory:  memorySize(),
		Kernel:  firstLine("/proc/sys/kernel/osrelease"),
		Disk:    fmt.Sprintf("%s on %s", fs.kind, diskKind(fs.device)),
		Go:      runtime.Version(),
		Version: runtime.GOOS + "/" + runtime.GOARCH,
	}
}

func (m machine) String() string {
	return fmt.Sprintf("%s, %d cores, %s of memory, %s, kernel %s, data on %s, %s",
		m.CPU, m.Cores, m.Memory, m.Version, m.Kernel, m.Disk, m.Go)
}

// memorySize returns the machine's memory as in "24 GiB".
func memorySize() string {
	var kb float64
	if _, err := fmt.Sscanf(field("/proc/meminfo", "MemTotal"), "%f kB", &kb); err != nil {
		return "unknown size"
	}
	return fmt.Sprintf("%.0f GiB", kb/(1<<20))
}

// field returns the value of the first "name: value" line of a file below /proc.
func field(file, name string) string {
	content, _ := os.ReadFile(file) // absent on other systems
	for line := range strings.Lines(string(content)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

func firstLine(file string) string {
	content, _ := os.ReadFile(file) // absent on other systems
	line, _, _ := strings.Cut(string(content), "\n")
	return line
}

// mount is the file system that a directory lies on.
type mount struct{ point, kind, device string }

// mountOf returns the mount whose point is the longest prefix of dir. It only works on
// Linux.
func mountOf(dir string) mount {
	best := mount{kind: "unknown file system", device: "unknown device"}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return best
	}
	mounts, _ := os.ReadFile("/proc/self/mounts") // absent on other systems
	for line := range strings.Lines(string(mounts)) {
		f := strings.Fields(line)
		if len(f) < 3 {
			continue
		}
		m := mount{point: f[1], kind: f[2], device: f[0]}
		below := m.point == "/" || dir == m.point || strings.HasPrefix(dir, m.point+"/")
		if below && len(m.point) >= len(best.point) {
			best = m
		}
	}
	return best
}

// diskKind returns a device's name and whether it rotates.
func diskKind(device string) string {
	name := strings.TrimRight(filepath.Base(device), "0123456789")
	switch firstLine("/sys/block/" + name + "/queue/rotational") {
	case "0":
		return name + " (not rotating)"
	case "1":
		return name + " (rotating or virtual)"
	}
	return name
}
