// Package otlp turns timelines into OpenTelemetry spans, and spans from a file back into
// timelines.
//
// Out: an Exporter is the recorder's Outlet. It turns timelines and what requests share
// into spans (spans.go) and sends them to a sink: an OTLP collector, a file, or the
// SDK's stdout exporter (sinks.go, encoding.go).
//
// In: Read finds the spans in OTLP/JSON, or in the output of the SDK's stdout exporter
// (read.go, read_spans.go). It builds timelines from them, no matter which program
// wrote them (build.go, timelines.go).
package otlp
