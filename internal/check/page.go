package main

import (
	"bufio"
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"github.com/dustin/go-humanize"
	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/millrace/millrace/internal/nightly"
)

// pagePath is the page that the nightly run makes.
const pagePath = "docs/reliability.md"

//go:embed reliability.tmpl
var pageText string

// page is docs/reliability.md: a text, the machine, and two tables.
type page struct {
	Machine string
	figures numbers // by part, the last row their total
	kinds   numbers // of faults
}

// numbers is a table of a name and counts in each row.
type numbers struct {
	head []string
	rows []counted
}

type counted struct {
	name   string
	counts []int64
}

var (
	figuresHead = []string{"Part", "Seeds", "Crash points", "Cycles", "Faults", "Events", "Losses", "Duplicates"}
	kindsHead   = []string{"Fault", "Injected"}
)

const totalName = "Total"

// newPage is the page of a run's figures on this machine.
func newPage(all []nightly.Figures) page {
	slices.SortFunc(all, func(a, b nightly.Figures) int { return strings.Compare(a.Part, b.Part) })
	p := page{Machine: machine(), figures: numbers{head: figuresHead}, kinds: numbers{head: kindsHead}}
	total := counted{totalName, make([]int64, len(figuresHead)-1)}
	kinds := map[string]int64{}
	for _, f := range all {
		faults := int64(0)
		for kind, n := range f.Faults {
			faults += n
			kinds[kind] += n
		}
		row := counted{f.Part, []int64{f.Seeds, f.CrashPoints, f.Cycles, faults, f.Events, f.Losses, f.Duplicates}}
		for i, n := range row.counts {
			total.counts[i] += n
		}
		p.figures.rows = append(p.figures.rows, row)
	}
	p.figures.rows = append(p.figures.rows, total)
	for kind, n := range kinds {
		p.kinds.rows = append(p.kinds.rows, counted{kind, []int64{n}})
	}
	slices.SortFunc(p.kinds.rows, func(a, b counted) int { return strings.Compare(a.name, b.name) })
	return p
}

// Render is the table for a terminal.
func (n numbers) Render() string { return n.writer().Render() }

// Markdown is the table for the page.
func (n numbers) Markdown() string { return n.writer().RenderMarkdown() }

func (n numbers) writer() table.Writer {
	w := table.NewWriter()
	w.SetStyle(table.StyleRounded)
	w.Style().Format.Header = 0 // as it is
	head := table.Row{}
	for _, h := range n.head {
		head = append(head, h)
	}
	w.AppendHeader(head)
	for _, r := range n.rows {
		row := table.Row{r.name}
		for _, c := range r.counts {
			row = append(row, humanize.Comma(c))
		}
		w.AppendRow(row)
	}
	return w
}

// Figures and Kinds are what the text shows.
func (p page) Figures() string { return p.figures.Markdown() }

// Kinds is the table of faults.
func (p page) Kinds() string { return p.kinds.Markdown() }

// render makes the text of the page.
func (p page) render() ([]byte, error) {
	text, err := template.New(pagePath).Parse(pageText)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = text.Execute(&b, p)
	return b.Bytes(), err
}

func (p page) write() error {
	text, err := p.render()
	if err != nil {
		return err
	}
	if err := os.WriteFile(pagePath, text, 0o644); err != nil {
		return err
	}
	fmt.Println("wrote", pagePath)
	return nil
}

// readPage finds machine and tables in a rendered page.
func readPage(text []byte) (p page, err error) {
	p.figures.head, p.kinds.head = figuresHead, kindsHead
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		if after, found := strings.CutPrefix(lines.Text(), machineMark); found {
			p.Machine = after
			continue
		}
		cells := strings.Split(strings.Trim(lines.Text(), "|"), "|")
		into := map[int]*numbers{len(figuresHead): &p.figures, len(kindsHead): &p.kinds}[len(cells)]
		if !strings.HasPrefix(lines.Text(), "| ") || into == nil || strings.TrimSpace(cells[0]) == into.head[0] || strings.HasPrefix(cells[0], " ---") {
			continue
		}
		row := counted{name: strings.TrimSpace(cells[0])}
		for _, c := range cells[1:] {
			n, err := strconv.ParseInt(strings.ReplaceAll(strings.TrimSpace(c), ",", ""), 10, 64)
			if err != nil {
				return p, fmt.Errorf("row %q: %w", row.name, err)
			}
			row.counts = append(row.counts, n)
		}
		into.rows = append(into.rows, row)
	}
	if p.Machine == "" || len(p.figures.rows) < 2 || len(p.kinds.rows) == 0 {
		return p, errors.New("a table or the machine is missing")
	}
	return p, nil
}

// machineMark begins the page's line about the machine.
const machineMark = "Machine: "

// machine describes this one in a few words.
func machine() string {
	text := fmt.Sprintf("%d cores", runtime.NumCPU())
	if cpu, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, after, found := strings.Cut(string(cpu), "model name"); found {
			line, _, _ := strings.Cut(after, "\n")
			text += " (" + strings.TrimSpace(strings.TrimLeft(line, "\t :")) + ")"
		}
	}
	if memory, err := os.ReadFile("/proc/meminfo"); err == nil {
		var kib uint64
		if _, err := fmt.Sscanf(string(memory), "MemTotal: %d kB", &kib); err == nil {
			text += ", " + humanize.IBytes(kib<<10) + " of memory"
		}
	}
	return text + ", " + runtime.GOOS + ", " + runtime.Version()
}
