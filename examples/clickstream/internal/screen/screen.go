// Package screen shares a terminal between messages, which stay, and one progress line, which moves: a bar on a terminal, a plain line now and then elsewhere.
package screen

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

// How often progress is shown.
const (
	barEvery  = 50 * time.Millisecond
	lineEvery = time.Second
)

const clearRest = "\x1b[K" // of the line

// Screen is an io.Writer for messages. It is safe for concurrent use.
type Screen struct {
	mu       sync.Mutex
	out      io.Writer
	terminal bool
	bar      *Bar // being shown
}

// New makes a Screen that writes to out.
func New(out io.Writer) *Screen {
	s := &Screen{out: out}
	if f, ok := out.(*os.File); ok {
		s.terminal = term.IsTerminal(int(f.Fd()))
	}
	return s
}

// fit cuts a line to the terminal's width: one that wraps could not be drawn over.
func (s *Screen) fit(line string) string {
	f, ok := s.out.(*os.File)
	if !ok {
		return line
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if runes := []rune(line); err == nil && width > 1 && len(runes) >= width {
		return string(runes[:width-2]) + "…"
	}
	return line
}

// Every is how often a Bar wants to be told of progress.
func (s *Screen) Every() time.Duration {
	if s.terminal {
		return barEvery
	}
	return lineEvery
}

// Write prints a message, which ends in a newline, above the progress line.
func (s *Screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.terminal || s.bar == nil {
		return s.out.Write(p)
	}
	fmt.Fprint(s.out, "\r", clearRest)
	n, err := s.out.Write(p)
	s.bar.draw()
	return n, err
}
