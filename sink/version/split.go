package version

import (
	"cmp"
	"strconv"
	"strings"
)

// compareSplits orders TOPIC/PARTITION by topic and then by number, so that 10 comes after 9.
func compareSplits(a, b string) int {
	topicA, numberA := cutNumber(a)
	topicB, numberB := cutNumber(b)
	return cmp.Or(strings.Compare(topicA, topicB), cmp.Compare(numberA, numberB), strings.Compare(a, b))
}

func cutNumber(split string) (topic string, number int64) {
	i := strings.LastIndexByte(split, '/')
	n, err := strconv.ParseInt(split[i+1:], 10, 64)
	if i < 0 || err != nil {
		return split, -1
	}
	return split[:i], n
}
