// Package eventscript reads tests of event time that are written as a line:
//
//	a@0 b@5 W@12 +5s CRASH END
//
// is a record a at 0 ms, a record b at 5 ms, the watermark 12, five seconds of processing time, a crash with a restart from the last state, and the
// end of input. The words W, CRASH and END are not records' names.
package eventscript

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Kind is what a step does.
type Kind uint8

const (
	Record    Kind = iota // Name at At
	Watermark             // moves to At
	Wait                  // For of processing time
	Crash
	End
)

// Step is one word of a script.
type Step struct {
	Kind Kind
	Name string
	At   int64 // milliseconds
	For  time.Duration
	Word string // as it was written
}

// Parse reads a script. An error names the word.
func Parse(script string) ([]Step, error) {
	var steps []Step
	for word := range strings.FieldsSeq(script) {
		s, err := parse(word)
		if err != nil {
			return nil, fmt.Errorf("event script: %q: %w", word, err)
		}
		steps = append(steps, s)
	}
	return steps, nil
}

func parse(word string) (s Step, err error) {
	s.Word = word
	switch {
	case word == "CRASH":
		s.Kind = Crash
		return s, nil
	case word == "END":
		s.Kind = End
		return s, nil
	case strings.HasPrefix(word, "+"):
		s.Kind = Wait
		s.For, err = time.ParseDuration(word[1:])
		return s, err
	}
	at := strings.LastIndexByte(word, '@')
	if at <= 0 {
		return s, fmt.Errorf("want NAME@MS, W@MS, +DURATION, CRASH or END")
	}
	s.Name = word[:at]
	if s.Name == "W" {
		s.Kind = Watermark
	}
	s.At, err = strconv.ParseInt(word[at+1:], 10, 64)
	return s, err
}
