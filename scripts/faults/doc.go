// Package faults breaks the disk under a running server and looks at what it
// does: it says why it cannot go on, ends with a code of its own, has
// acknowledged nothing that is not on the disk, and serves all of it again once
// the disk is sound. A disk that is only slow is no fault, but shows in the
// timelines.
//
// The server is `glasskv serve`, unmodified, on a real file system. The kernel
// asks the test before each system call of the server that writes (seccomp's user
// notification), and the test may let it pass, delay it or refuse it with an
// error. What the kernel itself refuses is used where it can be had: a limit of
// the file size cuts a write short, and a small tmpfs is full when it is full.
//
//	faults_linux_test.go  the stories
//	server_linux_test.go  the server, its clients and what was promised to them
//	disk_linux.go         the disk as the test wants it
//	notify_linux.go       the kernel's question and our answer
package faults
