// Package tour is the walk through one request, apart from how it is shown: the
// stops in their order, and what is to be seen at each of them. The terminal and
// the page are two views of it.
//
//	tour.go      the stops of a timeline
//	sights.go    what is to be seen at a stop: its chapter, the source, where one can go
//	live.go      a request that is made now, on a server of one's own or another
//	requests.go  the requests that can be made
//
// A tour is cheap to make. Chapters are parsed and source is cut when they are
// looked at, and kept.
package tour
