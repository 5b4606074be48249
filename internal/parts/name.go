package parts

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Names that are no parts. Readers of data lakes leave out names that begin with an underscore or a dot.
const (
	MarkName    = "_millrace.json"
	SuccessName = "_SUCCESS"
)

// Name is the name of a part: part-SUBTASK-NUMBER.EXT.
type Name struct {
	Subtask int
	Number  int64 // from 1, without a gap within a run
	Ext     string
}

// Prefix is what the names of a subtask's parts begin with.
func Prefix(subtask int) string { return fmt.Sprintf("part-%05d", subtask) }

func (n Name) String() string { return fmt.Sprintf("%s-%010d%s", Prefix(n.Subtask), n.Number, n.Ext) }

// ParseName reads a part's name; anything else is not ok.
func ParseName(s string) (n Name, ok bool) {
	rest, ok := strings.CutPrefix(s, "part-")
	if !ok {
		return n, false
	}
	subtask, rest, ok := strings.Cut(rest, "-")
	if !ok {
		return n, false
	}
	number := rest
	if i := strings.IndexByte(rest, '.'); i >= 0 {
		number, n.Ext = rest[:i], rest[i:]
	}
	var err1, err2 error
	n.Subtask, err1 = strconv.Atoi(subtask)
	n.Number, err2 = strconv.ParseInt(number, 10, 64)
	return n, err1 == nil && err2 == nil && n.String() == s
}

// CheckPath says whether a slash-separated path below a root is plain: each of its segments has 1 to 200 bytes of UTF-8 without control characters, backslashes, wildcards,
// and begins with neither a dot nor an underscore (such names are hidden from readers). So it cannot leave its root. what names it in the error. The empty path is the root itself.
func CheckPath(what, path string) error {
	if path == "" {
		return nil
	}
	for segment := range strings.SplitSeq(path, "/") {
		if why := wrong(segment); why != "" {
			return fmt.Errorf("%s %.200q: the segment %.100q %s", what, path, segment, why)
		}
	}
	return nil
}

func wrong(segment string) string {
	switch {
	case segment == "":
		return "is empty: write single slashes between names, and none at the beginning or the end"
	case segment == "." || segment == "..":
		return "would lead elsewhere: only names below the root are allowed"
	case segment[0] == '.' || segment[0] == '_':
		return "begins with a dot or an underscore, which hides it from readers"
	case len(segment) > 200:
		return "is longer than 200 bytes"
	case !utf8.ValidString(segment) || strings.ContainsFunc(segment, unicode.IsControl):
		return "has control characters or is not UTF-8"
	case strings.ContainsAny(segment, "\\*?\"<>|:"):
		return `has one of \ * ? " < > | :, which do not mean themselves everywhere`
	}
	return ""
}
