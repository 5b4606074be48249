package checkpoint

import "errors"

var (
	// ErrNone is returned where a place has no such checkpoint, or none at all.
	ErrNone = errors.New("there is no such checkpoint")
	// ErrExists is returned by Restore where the directory to be made is not empty: nothing is ever written over.
	ErrExists = errors.New("it exists already, and nothing is written over")
	// ErrFormat is returned for a checkpoint that a program of another version wrote.
	ErrFormat = errors.New("checkpoint of another format")
	// ErrForeign is returned where a place or a checkpoint belongs to another job, or to another kind of store.
	ErrForeign = errors.New("checkpoint of another job or store")
	// ErrTaken is returned by a Keeper whose place was taken over by another writer: two processes run the job, or one of them did.
	ErrTaken = errors.New("another writer has taken the place of the checkpoints")
)
