package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// machine says where figures were measured; without that they mean nothing.
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

// memorySize turns the kernel's "24684092 kB" into something to read.
func memorySize() string {
	var kb float64
	if _, err := fmt.Sscanf(field("/proc/meminfo", "MemTotal"), "%f kB", &kb); err != nil {
		return "unknown size"
	}
	return fmt.Sprintf("%.0f GiB", kb/(1<<20))
}

// field reads the first "name: value" line of a file below /proc.
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

// mountOf finds the mount whose point is the longest prefix of dir. Elsewhere
// than on Linux it knows nothing.
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

// diskKind says what kind of disk a device is.
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
