// Package seam joins the wrappers that observe a server to that server. It is the only
// face of its rooms: whoever serves, tests or plays a node calls New here.
//
// Nothing else below server/ knows of tracing. With no seams installed the server is the
// plain one, so that the price of tracing is the difference of two runs.
//
//	           seam        New, Seams, Steering
//	      ┌─────┴─────┐
//	    front       path   grpc-go and net/http │ from the proposal to the store
//	      ├─────┬─────┤
//	    hold   fault       requests held at a breakpoint │ requests made to wait
//	      └─────┴─────► trace/record
//
//	client       a client's own half; front uses it for the gateway's calls
//	frames       counts HTTP/2 frames, for front and client
//
// front and path do not know each other. hold has to look at both; it does so through
// hold.Surroundings, which Observer implements.
package seam
