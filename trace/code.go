package trace

import "strconv"

// codeNames are gRPC's codes, by number, as google.golang.org/grpc/codes writes
// them.
var codeNames = [...]string{
	"OK", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound", "AlreadyExists",
	"PermissionDenied", "ResourceExhausted", "FailedPrecondition", "Aborted", "OutOfRange", "Unimplemented",
	"Internal", "Unavailable", "DataLoss", "Unauthenticated",
}

// CodeName returns the name of a gRPC code; "Code(99)" for a number that gRPC
// does not define.
func CodeName(code uint32) string {
	if code < uint32(len(codeNames)) {
		return codeNames[code]
	}
	return "Code(" + strconv.FormatUint(uint64(code), 10) + ")"
}
