// Package seam joins the wrappers that observe a server to that server. Other packages need
// only this one: they call New, and start the server with the Observer's Seams.
//
// The packages that serve do not import trace, and without seams they are a plain server. So
// the cost of tracing is the difference between two runs.
//
//	           seam          New, Seams, Steering
//	      ┌─────┴─────┐
//	    front       path     grpc-go and net/http │ from the proposal to the store
//	      ├─────┬─────┤
//	    hold   fault         requests held at a breakpoint │ requests made to wait
//	      └─────┴─────► trace/record
//
//	client       observes a client; front uses it for the gateway's calls
//	frames       counts HTTP/2 frames, for front and client
//	seamtest     helps the tests of all of these
//
// front and path do not import each other. hold has questions to both of them, and imports
// neither: it asks through hold.Surroundings.
package seam
