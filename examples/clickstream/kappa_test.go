package main

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// update writes what the commands print into the page.
var update = flag.Bool("update", false, "write what the commands of docs/kappa.md print into it")

const kappaPage = "../../docs/kappa.md"

// TestKappaPage runs the commands of docs/kappa.md one after the other, those with & behind them as processes, and compares what they print with the page. What
// depends on the machine and the hour - durations, rates, ages, ids - is left out of the comparison, and so are progress lines.
func TestKappaPage(t *testing.T) {
	page, err := os.ReadFile(kappaPage)
	require.NoError(t, err)
	s := story{data: t.TempDir(), running: map[string]*process{}}
	blocks := regexp.MustCompile("(?s)```console\n(.*?)```\n")
	fresh := blocks.ReplaceAllStringFunc(string(page), func(block string) string {
		var out strings.Builder
		out.WriteString("```console\n")
		for i, command := range regexp.MustCompile(`(?m)^\$ (.*)$`).FindAllStringSubmatch(block, -1) {
			if i > 0 {
				out.WriteByte('\n')
			}
			out.WriteString("$ " + command[1] + "\n" + s.run(t, command[1]))
		}
		out.WriteString("```\n")
		return out.String()
	})
	s.settle(t, "clickstream run &") // whose version was dropped
	if *update {
		require.NoError(t, os.WriteFile(kappaPage, []byte(fresh), 0o644))
		return
	}
	require.Equal(t, steady(string(page)), steady(fresh), "the page does not say what the commands print: go test ./examples/clickstream -run KappaPage -update")
}

// story runs commands in one data directory.
type story struct {
	data    string
	running map[string]*process
}

// begun are the lines by which a command in the background tells that it is where the story goes on.
var begun = map[string]*regexp.Regexp{
	"broker": regexp.MustCompile(`serves`),
	"run":    regexp.MustCompile(`\(31,106 of|31,106 clicks|^Reading \S+: (?:100 % \()?31,106`),
	"replay": regexp.MustCompile(`goes on with the live topic`),
}

// run runs a command and returns what it printed, results before messages, without progress.
func (s *story) run(t *testing.T, line string) string {
	text, background := strings.CutSuffix(line, " &")
	args := strings.Fields(strings.TrimPrefix(text, "clickstream "))
	for i := range args {
		if strings.HasSuffix(args[i], ".jsonl.gz") {
			args[i] = filepath.Join(testdata, args[i])
		}
	}
	args = append(args, "--data", s.data)
	if background {
		p := start(t, append(args, flagsOfStory[args[0]]...)...)
		p.await(t, begun[args[0]])
		if v, ok := map[string]string{"run": "v1", "replay": "v2"}[args[0]]; ok {
			s.await(t, v)
		}
		s.running[line] = p
		return ""
	}
	var out output
	messages, err := command(context.Background(), strings.NewReader(""), &out, args...)
	if err != nil && err.Error() != "" {
		messages += "clickstream: " + err.Error() + "\n"
	}
	return s.clean(out.String() + messages)
}

var flagsOfStory = map[string][]string{"run": {"--progress-every", "10ms", "--checkpoint-every", "100ms"}, "replay": {"--progress-every", "10ms", "--checkpoint-every", "100ms"}}

// await waits until a version's entry says that it has read all.
func (s *story) await(t *testing.T, version string) {
	line := regexp.MustCompile(`\b` + version + `\b.*\b31,106\b.*│ 0 +│`)
	require.Eventually(t, func() bool {
		var out output
		_, err := command(context.Background(), strings.NewReader(""), &out, "versions", "--data", s.data)
		return err == nil && line.MatchString(out.String())
	}, time.Minute, 100*time.Millisecond)
}

// settle waits for the end of a command in the background.
func (s *story) settle(t *testing.T, line string) {
	p := s.running[line]
	require.NotNil(t, p)
	select {
	case <-p.read:
	case <-time.After(time.Minute):
		t.Fatalf("%s does not end:\n%s", line, p.text)
	}
	require.NoError(t, p.cmd.Wait(), p.text)
	require.Contains(t, p.text.String(), "was dropped or replaced, so its job has stopped")
}

// clean leaves out progress and names the program and the directory as the page does.
func (s *story) clean(text string) string {
	text = strings.NewReplacer(self(), "clickstream", os.Args[0], "clickstream", s.data+string(filepath.Separator), "data/", " --data "+s.data, "", s.data, "data", testdata+"/", "").Replace(text)
	var out strings.Builder
	for line := range strings.Lines(text) {
		if !regexp.MustCompile(`^(Reading|Publishing) .*(events/s|clicks/s)`).MatchString(line) {
			out.WriteString(strings.TrimRight(line, " \n") + "\n")
		}
	}
	return regexp.MustCompile(`\n{3,}`).ReplaceAllString(strings.Trim(out.String(), "\n")+"\n", "\n\n")
}

// steady takes out what differs from run to run.
func steady(page string) string {
	for _, r := range []struct{ pattern, instead string }{
		{`127\.0\.0\.1:\d+`, "ADDR"},
		{`about \d[\d,.]* (seconds?|minutes?)|\d+ (seconds?|minutes?) ago|\bnow\b`, "AGO"},
		{`\d[\d,.]* (events|rows|clicks)/s`, "RATE"},
		{`\d[\d.]* [KMG]?i?B`, "SIZE"},
		{`\d[\d,.]*(h|m|s|ms|µs)(\d[\d.]*(m|s|ms))*\b`, "TIME"},
		{`about \d[\d,]*`, "ABOUT"},
		{`\(\d[\d.,]* %\)`, "SHARE"},
		{`[─╭╮╰╯├┤┬┴┼]+`, "-"},
	} {
		page = regexp.MustCompile(r.pattern).ReplaceAllString(page, r.instead)
	}
	return regexp.MustCompile(`[ \t]+`).ReplaceAllString(page, " ")
}
