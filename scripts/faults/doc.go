// Package faults breaks the disk under a running server and checks what the server
// does: it says why it cannot go on, ends with an exit code of its own, has
// acknowledged nothing that is not on the disk, and serves all of that again once the
// disk works. A disk that is only slow is not an error, but shows in the timelines.
//
// The server is `glasskv serve`, unmodified, on a real file system. The kernel
// asks the test before each system call of the server that writes (seccomp's user
// notification), and the test may let the call pass, delay it or refuse it with an
// error. Where the kernel itself can be made to refuse, that is used: a limit of the
// file size cuts a write short, and a small tmpfs runs full.
//
//	faults_linux_test.go  the stories
//	server_linux_test.go  the server, its clients and what it acknowledged to them
//	disk_linux.go         what the disk does, and the kernel's questions about it
package faults
