package compat

import "fmt"

// Mode is which code has to be able to read which data.
type Mode uint8

const (
	Backward Mode = iota // code of the newer schema reads data of the older
	Forward              // code of the older schema reads data of the newer
	Full                 // both
)

// String is the mode's name: "backward".
func (m Mode) String() string {
	switch m {
	case Backward:
		return "backward"
	case Forward:
		return "forward"
	case Full:
		return "full"
	}
	return fmt.Sprintf("mode %d", uint8(m))
}

// ParseMode reads a mode's name.
func ParseMode(name string) (Mode, error) {
	for _, m := range []Mode{Backward, Forward, Full} {
		if m.String() == name {
			return m, nil
		}
	}
	return 0, fmt.Errorf("compatibility %q: use backward, forward or full", name)
}

func (m Mode) includes(direction Mode) bool { return m == Full || m == direction }

// Category is which rules apply.
type Category uint8

const (
	WireJSON Category = iota // those of bytes and those of the JSON form
	Wire                     // those of bytes alone
)

// String is buf's name for the category: "WIRE_JSON".
func (c Category) String() string {
	if c == Wire {
		return "WIRE"
	}
	return "WIRE_JSON"
}
