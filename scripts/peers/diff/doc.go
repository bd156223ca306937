// Package diff gives the same etcdctl commands to GlassKV and to real etcd and
// compares what the commands print and how they exit.
//
// The commands are in testdata. Each file is a story, told to a server without data.
// Both servers have the same addresses, one after the other, so member and cluster
// IDs, revisions and hashes are equal and are compared as they are. What differs
// between two runs of the same server is named in front of a command:
//
//	# What this story is about.
//	etcdctl put greeting hello
//	$LEASE = etcdctl lease grant 60        the ID printed is called $LEASE from here on
//	[took] etcdctl endpoint health         durations are not compared
//	etcdctl txn -i                         what follows is the command's input
//	| version("greeting") = "1"
//	after 2 lines: etcdctl watch greeting  it is ended when it has printed so much
//	begin one: etcdctl lock door           it runs on beside the commands below
//	wait one: 1 line                       until it has printed so much
//	stop one                               told to end, as Ctrl-C does
//	await one                              until it ends by itself
//	restart the server                     on the same data
//	server with --flag value               once, for the whole story: flags of both servers
//
//	script_test.go  reads the stories
//	run_test.go     runs one of them against one server
//	diff_test.go    the tests, what they leave out of the comparison, and the table
package diff
