package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/millrace/millrace/examples/clickstream/sample"
)

// demoMark is a file in a directory that the demo made, and may begin anew.
const demoMark = ".made-by-demo"

func newDemo(p *program) *cobra.Command {
	var data string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "See the whole thing work in seconds (also without any command)",
		Long: `Start a broker inside the program, publish the clicks of a real shop that come with it, compute their sessions into a SQLite
file, and print what came out. A later demo begins anew in the same directory.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p.data, p.brokers, p.topic = data, nil, defaultTopic
			return p.demo(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&data, "data", filepath.Join("data", "demo"), "directory of the demo's broker, state and result")
	return cmd
}

func (p *program) demo(ctx context.Context) (err error) {
	begun := time.Now()
	if err := p.cleanDemo(); err != nil {
		return err
	}
	c, err := p.connect()
	if err != nil {
		return err
	}
	defer closing(c, &err)
	p.say("Started a Kafka-protocol broker inside this program: %s, data in %s", c.brokers[0], p.brokerDir())
	if err := p.ensureTopic(ctx, c, p.topic); err != nil {
		return err
	}
	if err := p.publishSample(ctx, c); err != nil {
		return err
	}
	var o runOptions
	o.flags(pflag.NewFlagSet("defaults", pflag.ContinueOnError))
	o.untilEnd = true
	if err := p.runOn(ctx, c, o); err != nil || ctx.Err() != nil {
		return err
	}
	p.sayNext(time.Since(begun))
	return nil
}

// cleanDemo removes what an earlier demo left. A directory of anybody else is refused, and so is one in use.
func (p *program) cleanDemo() error {
	mark := filepath.Join(p.data, demoMark)
	if _, err := os.Stat(mark); errors.Is(err, fs.ErrNotExist) {
		if notEmpty(p.data) {
			return fmt.Errorf("%s holds something that no demo made: give the demo another directory by --data", p.data)
		}
		if err := os.MkdirAll(p.data, 0o755); err != nil {
			return err
		}
		return os.WriteFile(mark, nil, 0o644)
	}
	c, err := p.connect()
	if err != nil {
		return err
	}
	mine := c.broker.Served()
	if err := c.Close(); err != nil {
		return err
	}
	if !mine {
		return fmt.Errorf("another process uses %s: end it first, or give the demo another directory by --data", p.data)
	}
	for _, name := range []string{"broker", "state", historyDir, "clickstream.db", "clickstream.db-wal", "clickstream.db-shm", "versions.json", "versions.json.lock"} {
		if err := os.RemoveAll(filepath.Join(p.data, name)); err != nil {
			return err
		}
	}
	return nil
}

func (p *program) publishSample(ctx context.Context, c *kafkaCluster) error {
	in := &meter{Reader: bytes.NewReader(sample.Gzip), size: int64(len(sample.Gzip))}
	clicks, err := newClickReader(sample.Name, jsonLines, in)
	if err != nil {
		return err
	}
	p.say("Publishing the %s clicks of a real shop, January to June 2024, and computing the sessions:", humanize.Comma(sample.Events))
	_, err = p.publish(ctx, c, clicks, in, publication{})
	return err
}

// sayNext suggests what a newcomer can try now.
func (p *program) sayNext(took time.Duration) {
	data, db := quote(p.data), filepath.Join(p.data, "clickstream.db")
	p.say(`
All of it took %[1]s. Next, on the same clicks:

  Look into the table, if you have sqlite3:
    sqlite3 -box %[4]s 'SELECT * FROM sessions WHERE abandoned ORDER BY duration_ms DESC LIMIT 5'

  Sessions that end after 15 minutes, as version v2 beside the first:
    %[2]s replay --data %[3]s --version v2 --gap 15m
    %[2]s compare v1 v2 --data %[3]s
    %[2]s cutover v2 --data %[3]s

  Keep it running for what is published later; stop it with Ctrl-C or kill -9, start it again, and the table comes out the same:
    %[2]s run --data %[3]s --version live

  Your own clicks:
    %[2]s produce --help

  The job's code is examples/clickstream/job.go.`, took.Round(10*time.Millisecond), self(), data, db)
}
