package nexmark

import (
	"math"
	"strings"
)

// text makes strings of random characters. They are cut from blocks, so that there is an allocation for a block and not for a string.
type text struct {
	block   strings.Builder
	scratch [textLongest]byte
}

const (
	textBlock   = 64 << 10
	textLongest = 4 << 10 // of a string; Config's sizes are bounded by it
	shortest    = 3       // before spaces at the ends are cut off
)

// begin makes room for a string and gives its place in the block.
func (t *text) begin() int {
	if t.block.Cap()-t.block.Len() < textLongest {
		t.block = strings.Builder{}
		t.block.Grow(textBlock)
	}
	return t.block.Len()
}

func (t *text) since(place int) string { return t.block.String()[place:] }

// words gives less than most letters and spaces.
func (t *text) words(r *random, most int32) string {
	place := t.begin()
	t.letters(r, most)
	return strings.Trim(t.since(place), " ")
}

func (t *text) letters(r *random, most int32) {
	for range shortest + r.below(most-shortest) {
		if r.below(13) == 0 {
			t.block.WriteByte(' ')
		} else {
			t.block.WriteByte(byte('a' + r.below(26)))
		}
	}
}

// email trims both parts, as words does, which leaves a hole in the block where spaces were.
func (t *text) email(r *random) string {
	name, host := t.words(r, 7), t.words(r, 5)
	place := t.begin()
	t.block.WriteString(name)
	t.block.WriteByte('@')
	t.block.WriteString(host)
	t.block.WriteString(".com")
	return t.since(place)
}

func (t *text) name(r *random) string {
	place := t.begin()
	t.block.WriteString(firstNames[r.below(int32(len(firstNames)))])
	t.block.WriteByte(' ')
	t.block.WriteString(lastNames[r.below(int32(len(lastNames)))])
	return t.since(place)
}

// card gives four groups of four digits.
func (t *text) card(r *random) string {
	place := t.begin()
	for i := range 4 {
		if i > 0 {
			t.block.WriteByte(' ')
		}
		n := r.below(10_000)
		for _, unit := range [...]int32{1000, 100, 10, 1} {
			t.block.WriteByte(byte('0' + n/unit%10))
		}
	}
	return t.since(place)
}

// padding brings an event of size bytes to average, give or take a fifth of what it adds.
func (t *text) padding(r *random, size, average int) string {
	if size > average {
		return ""
	}
	missing := average - size
	spread := int(math.Floor(float64(missing)*0.2 + 0.5))
	n := missing - spread
	if spread > 0 {
		n += int(r.below(int32(2 * spread)))
	}
	place := t.begin()
	for rest := t.scratch[:n]; len(rest) > 0; {
		digits := r.int32()
		six := rest[:min(6, len(rest))]
		for i := range six {
			six[i] = byte('a' + digits%26) // digits may be negative: the characters are 'H' to 'z'
			digits /= 26
		}
		rest = rest[len(six):]
	}
	t.block.Write(t.scratch[:n])
	return t.since(place)
}

var (
	firstNames = [...]string{"Peter", "Paul", "Luke", "John", "Saul", "Vicky", "Kate", "Julie", "Sarah", "Deiter", "Walter"}
	lastNames  = [...]string{"Shultz", "Abrams", "Spencer", "White", "Bartels", "Walton", "Smith", "Jones", "Noris"}
	cities     = [...]string{"Phoenix", "Los Angeles", "San Francisco", "Boise", "Portland", "Bend", "Redmond", "Seattle", "Kent", "Cheyenne"}
	states     = [...]string{"AZ", "CA", "ID", "OR", "WA", "WY"}
)
