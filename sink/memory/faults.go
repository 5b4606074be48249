package memory

import "sync/atomic"

// Call is what the engine asks a sink for, where FailWhen can step in.
type Call string

const (
	Open    Call = "open"
	Write   Call = "write"
	Prepare Call = "prepare"
	Commit  Call = "commit"
	// Of transactions; Answer is when a commit is done and only its answer is still to come: an error is that it is lost.
	Settle Call = "settle"
	Begin  Call = "begin"
	Answer Call = "answer"
)

type faults struct {
	fail atomic.Pointer[func(Call) error]
}

// FailWhen has f asked before each call of the engine; an error from it becomes the call's, and nothing is changed, but for Answer. It may be called by several
// goroutines at once. sink.Temporary makes an error one that the engine retries. A nil f ends it.
func (fs *faults) FailWhen(f func(Call) error) {
	if f == nil {
		fs.fail.Store(nil)
		return
	}
	fs.fail.Store(&f)
}

func (fs *faults) check(c Call) error {
	if f := fs.fail.Load(); f != nil {
		return (*f)(c)
	}
	return nil
}
