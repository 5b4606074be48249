package topic

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/millrace/millrace/source/kafka/cluster"
)

// Check compares the live topic with its declaration, which has a Retention. It goes by the settings that hold: where the topic has none of its own, those are
// the brokers'. The error wraps ErrMissing when there is no such topic; what it finds is no error.
func Check(ctx context.Context, brokers []string, s Spec) (Report, error) {
	if err := s.validate(); err != nil {
		return Report{}, err
	}
	if s.Retention == 0 {
		return Report{}, fmt.Errorf("kafka topic %s cannot be checked: its declaration does not say how long records stay; set Retention, to Forever if they do", s.Name)
	}
	c, err := cluster.New(brokers, s.Connection)
	if err != nil {
		return Report{}, err
	}
	d, err := describe(ctx, c, s.Name)
	if err != nil {
		return Report{}, err
	}
	k := &checker{spec: s, live: d, at: c.String(), report: Report{Findings: []Finding{}, Topic: s.Name, Incarnation: d.Incarnation, Cluster: c.String(), Tiered: d.Settings[remoteEnable].Value == "true"}}
	if k.report.Partitions, err = held(ctx, c, s.Name, k.report.Tiered); err != nil {
		return Report{}, err
	}
	k.copies()
	k.deletion()
	k.times()
	k.tiers()
	k.others()
	k.history()
	slices.SortStableFunc(k.report.Findings, func(a, b Finding) int { return cmp.Compare(b.Severity, a.Severity) })
	return k.report, nil
}

// held reads what each partition holds.
func held(ctx context.Context, c *cluster.Cluster, name string, tiered bool) ([]Held, error) {
	_, t, err := lookUp(ctx, c, name)
	if err != nil {
		return nil, err
	}
	all, err := extents(ctx, c, t)
	if err != nil {
		return nil, err
	}
	local := map[cluster.Partition]int64{}
	if tiered {
		if local, err = c.Offsets(ctx, partitionsOf(t), cluster.EarliestLocal, false); err != nil && ctx.Err() != nil {
			return nil, err
		}
	}
	partitions := make([]Held, len(all))
	for i, p := range partitionsOf(t) {
		partitions[i] = Held{Partition: p.ID, Earliest: all[i].From, Local: -1, End: all[i].To}
		if at, told := local[p]; told {
			partitions[i].Local = at
		}
	}
	return partitions, nil
}

// checker holds one Check.
type checker struct {
	spec   Spec
	live   Description
	at     string // the brokers' addresses
	report Report
}

// compare notes that a thing was looked at; the returned function makes a finding of it.
func (k *checker) compare(name, actual, wanted string) func(s Severity, problem, mend string) {
	c := Compared{Name: name, Actual: actual, Wanted: wanted, Origin: k.live.Settings[name].Origin}
	k.report.Compared = append(k.report.Compared, c)
	return func(s Severity, problem, mend string) {
		k.report.Findings = append(k.report.Findings, Finding{Compared: c, Severity: s, Problem: problem, Mend: mend})
	}
}

// value is a setting as it holds; ok is false where the broker does not know it.
func (k *checker) value(name string) (v string, ok bool) {
	setting, ok := k.live.Settings[name]
	return setting.Value, ok
}

// number is a setting that is a number.
func (k *checker) number(name string) (n int64, ok bool) {
	text, ok := k.value(name)
	n, err := strconv.ParseInt(text, 10, 64)
	return n, ok && err == nil
}

// set is the command that gives the topic settings.
func (k *checker) set(settings ...string) string {
	return configCommand(k.at, k.spec.Name, settings...)
}

// history tells whether records are gone already.
func (k *checker) history() {
	var gone int64
	var cut int
	for _, p := range k.report.Partitions {
		if p.Earliest > 0 {
			gone, cut = gone+p.Earliest, cut+1
		}
	}
	wanted, actual := "from offset 0", "from offset 0"
	if k.spec.Retention != Forever || k.spec.RetentionBytes > 0 {
		wanted = ""
	}
	if cut > 0 {
		actual = fmt.Sprintf("cut in %d of %d partitions", cut, len(k.report.Partitions))
	}
	find := k.compare("history", actual, wanted)
	if cut == 0 {
		return
	}
	problem := fmt.Sprintf("%d records are gone from the beginning of %d partitions: a replay from earliest begins after them, and gives other results than the jobs that saw them", gone, cut)
	mend := "nothing brings them back into this topic: restore them from a copy into a new one, or accept their loss"
	if wanted == "" || k.spec.CutAccepted {
		find(Note, problem, mend)
		return
	}
	find(Loses, problem, mend)
}

// others compares the settings of the declaration that no rule knows.
func (k *checker) others() {
	names := make([]string, 0, len(k.spec.Configs))
	for name := range k.spec.Configs {
		if !slices.ContainsFunc(k.report.Compared, func(c Compared) bool { return c.Name == name }) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		actual, _ := k.value(name)
		if find := k.compare(name, actual, k.spec.Configs[name]); actual != k.spec.Configs[name] {
			find(Note, "the setting is not the declared one", k.set(name+"="+k.spec.Configs[name]))
		}
	}
}

// describeMs is a setting in milliseconds for people.
func describeMs(n int64) string {
	if d := spanOf(n); d != 0 {
		return FormatSpan(d)
	}
	return "0"
}

// describeBytes is a size limit for people.
func describeBytes(n int64) string {
	if n < 0 {
		return "no limit"
	}
	return strconv.FormatInt(n, 10) + " bytes"
}
