// Package diff gives the same etcdctl commands to GlassKV and to real etcd and
// compares what the commands print and how they exit.
//
// The commands stand in testdata, a story a file, each for a server without
// data. Both servers have the same addresses, one after the other, so member
// and cluster IDs, revisions and hashes are equal and compared as they are. What
// two runs of the same server do not share is named in front of a command:
//
//	# What is told here.
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
//	script_test.go     reads the stories
//	run_test.go        runs one of them against one server
//	process_test.go    one command, while it runs
//	normalise_test.go  what is left out of the comparison, by name
//	compare_test.go    finds what differs, and draws the table
//	diff_test.go       the tests
package diff
