// Package frames counts HTTP/2 frames in a stream of bytes that somebody else reads or
// writes: where each begins, what its header says, and where it ends.
package frames
