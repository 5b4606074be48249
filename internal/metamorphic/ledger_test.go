package metamorphic

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/oracle"
	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/stream"
)

// ledger is what has to become of the records of each split, from the log alone.
func (p plan) ledger(log oracle.Log, splits [][]event) (stream.Ledger, error) {
	fates := make([]oracle.Fate, len(log))
	if p.Function == ticks {
		for part := range log {
			fates[part] = oracle.Fate{Read: len(log[part]), Used: len(log[part])}
		}
	} else {
		table, err := oracle.Final(log, p.Params)
		if err != nil {
			return nil, err
		}
		fates = table.Fates(log, p.Params)
	}
	var want stream.Ledger
	sources := map[string]int{}
	for part, f := range fates {
		name := "log"
		if p.Union && part%2 == 1 {
			name = "other log"
		}
		c := stream.LedgerCounts{In: int64(len(splits[part])), Used: int64(f.Used), Late: int64(f.Late), Filtered: int64(f.Apart)}
		for _, e := range splits[part] {
			switch e.junk {
			case unreadable:
				c.DeadLettered++
			case farFuture:
				c.Quarantined++
			}
		}
		want = append(want, stream.LedgerEntry{Operator: name, Split: fmt.Sprintf("log/%d", sources[name]), Counts: c})
		sources[name]++
	}
	if p.Union && sources["other log"] == 0 {
		want = append(want, stream.LedgerEntry{Operator: "other log", Split: "log/0"})
	}
	slices.SortFunc(want, byName)
	return want, nil
}

func byName(a, b stream.LedgerEntry) int {
	return strings.Compare(a.Operator+"/"+a.Split, b.Operator+"/"+b.Split)
}

// checkLedger compares the engine's account of the records with that of the log.
func (p plan) checkLedger(log oracle.Log, splits [][]event, got stream.Ledger) error {
	want, err := p.ledger(log, splits)
	if err != nil {
		return err
	}
	if err := want.Balanced(); err != nil {
		return fmt.Errorf("the oracle: %w", err)
	}
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Errorf("ledger: %s of %s: %s, want %s of %s: %s", got[i].Split, got[i].Operator, got[i].Counts, want[i].Split, want[i].Operator, want[i].Counts)
		}
	}
	if len(got) != len(want) {
		return fmt.Errorf("a ledger of %d splits, want %d", len(got), len(want))
	}
	return nil
}

// digest is one line for all that a job came to: the tables as they are in the end, the late records, the ledger.
func digest(tables map[string]map[place]tally, late []oracle.Record, ledger stream.Ledger) string {
	var lines []string
	for name, table := range tables {
		for at, t := range table {
			lines = append(lines, fmt.Sprintf("%s %+v %+v", name, at, t))
		}
	}
	for _, r := range late {
		lines = append(lines, fmt.Sprintf("late %q %d %d", r.Key, r.Partition, r.Offset))
	}
	for _, e := range ledger {
		lines = append(lines, fmt.Sprintf("ledger %+v", e))
	}
	slices.Sort(lines)
	lines = slices.Compact(lines) // an interrupted run may show a row again
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:])
}

// wanted is the digest that the log says.
func (p plan) wanted(log oracle.Log, splits [][]event) (string, error) {
	ledger, err := p.ledger(log, splits)
	if err != nil {
		return "", err
	}
	if p.Function == ticks {
		table := map[place]tally{}
		for _, rows := range p.ticks(log) {
			for _, r := range rows {
				table[r.place()] = r.tally
			}
		}
		return digest(map[string]map[place]tally{"results": table}, nil, ledger), nil
	}
	want, err := p.expect(log)
	if err != nil {
		return "", err
	}
	tables := map[string]map[place]tally{"results": want.results}
	if p.Hourly {
		tables["hours"] = want.hours
	}
	var late []oracle.Record
	for _, r := range want.late {
		late = append(late, oracle.Record{Event: oracle.Event{Key: r.Key}, Partition: r.Partition, Offset: r.Offset})
	}
	return digest(tables, late, ledger), nil
}

// digest is what the runs came to.
func (o outcome) digest() string {
	var late []oracle.Record
	for _, r := range o.late.shown() {
		late = append(late, oracle.Record{Event: oracle.Event{Key: r.Value.Key}, Partition: int(r.Value.Part), Offset: r.Value.Offset})
	}
	return digest(map[string]map[place]tally{"results": applied(o.results.shown()), "hours": applied(o.hours.shown())}, late, o.ledger)
}

// applied is the table that rows make.
func applied(rows []sink.Row[row]) map[place]tally {
	table := map[place]tally{}
	for _, r := range rows {
		if r.Op == sink.Upsert {
			table[r.Value.place()] = r.Value.tally
		} else {
			delete(table, r.Value.place())
		}
	}
	return table
}
