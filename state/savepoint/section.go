package savepoint

import (
	"fmt"
	"strings"

	"github.com/millrace/millrace/internal/keyed"
	"github.com/millrace/millrace/internal/runtime"
)

// section is a range of keys that has a file of its own: the run's, or the entries or the timers of one shard of an operator.
type section struct {
	kind     string // "run", "state" or "timers"
	operator uint16
	domain   keyed.Domain // of timers
	shard    uint16
}

func sectionOf(key []byte) (section, bool) {
	if runtime.IsRunKey(key) {
		return section{kind: "run"}, true
	}
	p, ok := keyed.ParsePlace(key)
	switch {
	case !ok:
		return section{}, false
	case p.Timer:
		return section{"timers", p.Operator, p.Domain, p.Shard}, true
	}
	return section{"state", p.Operator, 0, p.Shard}, true
}

// name is the file's. Numbers have five digits, so that names sort as sections do within a kind.
func (s section) name() string {
	switch s.kind {
	case "run":
		return "run.kv"
	case "timers":
		return fmt.Sprintf("timers-%05d-%d-%05d.kv", s.operator, s.domain, s.shard)
	}
	return fmt.Sprintf("state-%05d-%05d.kv", s.operator, s.shard)
}

// parseName is the reverse of name; it accepts nothing else.
func parseName(name string) (s section, ok bool) {
	var err error
	switch {
	case name == "run.kv":
		return section{kind: "run"}, true
	case strings.HasPrefix(name, "timers-"):
		s.kind = "timers"
		_, err = fmt.Sscanf(name, "timers-%05d-%d-%05d.kv", &s.operator, &s.domain, &s.shard)
	default:
		s.kind = "state"
		_, err = fmt.Sscanf(name, "state-%05d-%05d.kv", &s.operator, &s.shard)
	}
	return s, err == nil && s.name() == name
}

// bounds are the first key that may be in the section, and the first after it.
func (s section) bounds() (from, to []byte) {
	switch s.kind {
	case "run":
		return []byte{runtime.RunPrefix}, []byte{runtime.RunPrefix + 1}
	case "timers":
		from = keyed.TimerPrefix(s.operator, s.domain, s.shard)
	default:
		from = keyed.EntryKey(s.operator, s.shard, "")
	}
	return from, after(from)
}

// after is the first key that does not begin with prefix. The first byte is a letter, so there is one.
func after(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for end[len(end)-1] == 0xff {
		end = end[:len(end)-1]
	}
	end[len(end)-1]++
	return end
}
