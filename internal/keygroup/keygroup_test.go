package keygroup

import (
	"math"
	"strconv"
	"testing"
)

func TestScrambleGoldenVectors(t *testing.T) {
	for _, c := range []struct{ in, want, group int32 }{
		{0, 593689054, 94}, {1, 68075478, 86}, {2, 1085422463, 127}, {42, 1134849565, 29}, {-1, 1982413648, 80},
		{math.MinInt32, 1718298732, 108}, {math.MaxInt32, 1653689534, 62},
	} {
		if got := Scramble(c.in); got != c.want || got%128 != c.group {
			t.Errorf("Scramble(%d) = %d (group %d), want %d (group %d)", c.in, got, got%128, c.want, c.group)
		}
	}
	for s, group := range map[string]int32{"user-1": 121, "user-2": 22, "Mary": 42, "Bob": 126, "a": 81} {
		var code int32 // the hash of a string in Java
		for _, r := range s {
			code = code*31 + r
		}
		if got := Scramble(code) % 128; got != group {
			t.Errorf("group of %q = %d, want %d", s, got, group)
		}
	}
}

func TestRangesCoverAllGroups(t *testing.T) {
	for p, want := range map[int][][2]int{
		3: {{0, 43}, {43, 86}, {86, 128}},
		5: {{0, 26}, {26, 52}, {52, 77}, {77, 103}, {103, 128}},
		7: {{0, 19}, {19, 37}, {37, 55}, {55, 74}, {74, 92}, {92, 110}, {110, 128}},
	} {
		for i, w := range want {
			if from, to := Range(i, p, 128); from != w[0] || to != w[1] {
				t.Errorf("Range(%d, %d, 128) = [%d,%d), want %v", i, p, from, to, w)
			}
		}
	}
	for p := 1; p <= 128; p++ {
		for g := range 128 {
			s := Subtask(g, p, 128)
			if from, to := Range(s, p, 128); g < from || g >= to {
				t.Fatalf("group %d at parallelism %d is of subtask %d, whose range is [%d,%d)", g, p, s, from, to)
			}
		}
	}
	for _, c := range [][3]int{{94, 2, 1}, {94, 3, 2}, {94, 4, 2}, {121, 2, 1}, {121, 3, 2}, {121, 4, 3}, {22, 4, 0}} {
		if got := Subtask(c[0], c[1], 128); got != c[2] {
			t.Errorf("Subtask(%d, %d) = %d, want %d", c[0], c[1], got, c[2])
		}
	}
}

func TestHashIsPartOfTheStoredFormat(t *testing.T) {
	for s, want := range map[string]uint32{"": 0x561036bd, "a": 0x9fb754a5, "user-1": 0x9cdcb0ed, "user_0539": 0x1e8a31f7, "ключ-301": 0x447468c7} {
		if got := Hash([]byte(s)); got != want {
			t.Errorf("Hash(%q) = %#x, want %#x", s, got, want)
		}
	}
}

// The last bytes of a key are read in pieces that overlap: they are what a loop over them gives.
func TestLast(t *testing.T) {
	key := []byte("\xf0\x81\x02\x93\x04\xa5\x06\xb7\x08\xc9\x0a\xdb\x0c\xed\x0e\xff\x10")
	for size := range len(key) + 1 {
		for from := range len(key) - size + 1 {
			key := key[from : from+size]
			n := size % 8
			var want uint64
			for i, c := range key[size-n:] {
				want |= uint64(c) << (8 * i)
			}
			if got := last(key, n); got != want {
				t.Fatalf("the last %d of %x are %x, want %x", n, key, got, want)
			}
		}
	}
}

func TestOwners(t *testing.T) {
	for group, owner := range Owners(3, 100) {
		if int(owner) != Subtask(group, 3, 100) {
			t.Errorf("group %d is of %d, want %d", group, owner, Subtask(group, 3, 100))
		}
	}
}

func BenchmarkOf(b *testing.B) {
	var keys [1024][]byte
	for i := range keys {
		keys[i] = strconv.AppendInt([]byte("user-"), int64(i*i*i), 10)
	}
	for i := range b.N {
		sum += Of(keys[i%len(keys)], DefaultMax)
	}
}

var sum int
