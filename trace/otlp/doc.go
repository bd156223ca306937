// Package otlp turns timelines into OpenTelemetry spans, and spans from a file into
// timelines again.
//
// Out: an Exporter is the recorder's Outlet. spans*.go make spans of a timeline, and of
// what requests share; NewSink makes what they are given to: OTLP over the network, a
// file, or the SDK's stdout exporter.
//
// In: Read takes OTLP/JSON, or what the SDK's stdout exporter writes. read*.go find the
// spans in a file, build*.go make timelines of them, whoever wrote them.
package otlp
