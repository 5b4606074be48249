package version

import "errors"

var (
	// ErrUnknown is wrapped when there is no version of the name, or it is another one by now than the one that was meant.
	ErrUnknown = errors.New("there is no such version")
	// ErrExists is wrapped by Create when there is a version of the name.
	ErrExists = errors.New("there is such a version already")
	// ErrTaken is wrapped when a place or a reader's name belongs to somebody else: to another version or result, or to a table of the user's own.
	ErrTaken = errors.New("the name is taken")
	// ErrCurrent is wrapped by Drop for the version that readers see.
	ErrCurrent = errors.New("readers see this version")
	// ErrChanged is wrapped by Switch when readers see another version than the one to switch from: somebody else was faster.
	ErrChanged = errors.New("readers see another version by now")
	// ErrBusy is wrapped when readers or another switch held on to what must change for too long. Nothing has changed; try again.
	ErrBusy = errors.New("it is in use")
)
