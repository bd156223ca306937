package etcdserver

// ReadRound is one turn of the read loop: a single read index that serves every
// reader who joined before it began. It stands for the notifier that etcd's
// read loop swaps.
type ReadRound struct {
	// Seq is the round's ordinal, from 1.
	Seq uint64

	done chan struct{} // closed when the round is over
	err  error         // read only after done is closed

	// leaderChanged is taken before the round starts, so that no change of
	// leader can slip between the start and the read index.
	leaderChanged <-chan struct{}
}

func newReadRound(seq uint64) *ReadRound {
	return &ReadRound{Seq: seq, done: make(chan struct{})}
}

// Done is closed when the round is over; Err may then be read.
func (r *ReadRound) Done() <-chan struct{} { return r.done }

// Err is nil when the members of the round may read. It must not be called
// before Done is closed.
func (r *ReadRound) Err() error { return r.err }

// finish releases everyone who joined. Only the read loop calls it, once.
func (r *ReadRound) finish(err error) {
	r.err = err
	close(r.done)
}
