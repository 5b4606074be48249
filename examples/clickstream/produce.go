package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	pb "github.com/millrace/millrace/examples/clickstream/clickstreampb"
	"github.com/millrace/millrace/examples/clickstream/internal/screen"
	"github.com/millrace/millrace/sink/kafka"
)

// publication is what produce was asked for.
type publication struct {
	in      string
	format  string
	rate    int
	skipBad bool
}

func newProduce(p *program) *cobra.Command {
	var pub publication
	cmd := &cobra.Command{
		Use:   "produce --in FILE|-",
		Short: "Publish clicks from a file or standard input",
		Long: `Publish clicks from a file or standard input, compressed with gzip or not: JSON Lines, with names in snake_case or
lowerCamelCase, or length-delimited protobuf.

The record's key is user_id, which decides its partition as Java producers do (murmur2). The record's timestamp is the
click's own, or now if that lies in the future: run takes a click that lies more than a day beyond its record's timestamp
for the mistake of a clock.`,
		Example: `  clickstream produce --in clicks.jsonl.gz
  zcat clicks.jsonl.gz | clickstream produce --in - --rate 1000`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.produce(cmd.Context(), cmd.InOrStdin(), pub) },
	}
	p.clusterFlags(cmd)
	p.registryFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&pub.in, "in", "", "file to read, or - for standard input")
	f.StringVar(&pub.format, "format", "", "jsonl or delimited (protobuf); by default told from the name: .pb, .bin or .delimited is protobuf")
	f.IntVar(&pub.rate, "rate", 0, "clicks per second at most; 0 is as fast as possible")
	f.BoolVar(&pub.skipBad, "skip-bad", false, "go on after lines that are not clicks, and count them")
	_ = cmd.MarkFlagRequired("in")
	return cmd
}

func (p *program) produce(ctx context.Context, stdin io.Reader, pub publication) (err error) {
	if pub.rate < 0 {
		return fmt.Errorf("--rate %d: clicks per second are 1 or more, or 0 for as fast as possible", pub.rate)
	}
	in := &meter{Reader: stdin}
	name := "standard input"
	if pub.in != "-" {
		f, err := os.Open(pub.in)
		if err != nil {
			return err
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return err
		}
		in.Reader, in.size, name = f, info.Size(), pub.in
	}
	clicks, err := newClickReader(name, format(pub.format), in)
	if err != nil {
		return err
	}
	c, err := p.connect()
	if err != nil {
		return err
	}
	defer closing(c, &err)
	if err := p.ensureTopic(ctx, c, p.topic); err != nil {
		return err
	}
	begun := time.Now()
	n, err := p.publish(ctx, c, clicks, in, pub)
	took := time.Since(begun)
	if n.sent > 0 || err == nil {
		p.say("Published %s clicks to %s in %s (%s).", humanize.Comma(n.sent), p.topic, took.Round(time.Millisecond), screen.Rate(n.sent, took))
	}
	if n.skipped > 0 {
		p.say("Skipped %s that are not clicks; the first: %v", humanize.Comma(n.skipped), n.first)
	}
	var bad *badClickError
	if errors.As(err, &bad) {
		return fmt.Errorf("%w; --skip-bad goes on after such a record", err)
	}
	return err
}

// published is what came of a publication.
type published struct {
	sent    int64 // acknowledged
	skipped int64
	first   error // the first that was skipped
}

// publish sends all clicks. What was sent before an error is acknowledged when it returns.
func (p *program) publish(ctx context.Context, c *kafkaCluster, clicks *clickReader, in *meter, pub publication) (n published, err error) {
	producer, err := kafka.NewProducer(c.brokers, kafka.Connect(c.config))
	if err != nil {
		return n, err
	}
	defer closing(producer, &err)
	format, err := p.openFormat()
	if err != nil {
		return n, err
	}
	defer closing(format, &err)
	if err := format.prepareWriter(ctx, p); err != nil {
		return n, err
	}
	bar := p.screen.Begin("Publishing " + clicks.name)
	progress := func() screen.Progress {
		if in.size > 0 && pub.rate == 0 {
			return screen.Progress{Done: in.read, Total: in.size, Events: n.sent}
		}
		return screen.Progress{Done: n.sent, Events: n.sent}
	}
	defer func() { bar.Done(progress()) }()
	pace := newPace(pub.rate)
	shown := time.Now()
	for {
		click, err := clicks.next()
		if errors.Is(err, io.EOF) {
			return n, producer.Flush(ctx)
		}
		var bad *badClickError
		switch {
		case errors.As(err, &bad) && pub.skipBad:
			if n.skipped++; n.first == nil {
				n.first = bad
			}
			continue
		case err != nil:
			return n, errors.Join(err, producer.Flush(ctx))
		}
		if err := pace.wait(ctx); err != nil {
			return n, errors.Join(errStopped, producer.Flush(context.WithoutCancel(ctx)))
		}
		m, err := message(click, format)
		if err != nil {
			return n, err
		}
		if err := producer.Send(ctx, p.topic, m); err != nil {
			return n, err
		}
		n.sent++
		if n.sent%256 == 0 || pub.rate > 0 {
			if now := time.Now(); now.Sub(shown) >= p.screen.Every() {
				shown = now
				bar.Set(progress())
			}
		}
	}
}

// errStopped says that a publication was interrupted; what was sent before is there.
var errStopped = errors.New("stopped before the end of the input")

// message is the record of a click. Its timestamp is the log's own idea of time, by which a click too far in the future is told: never later than now.
func message(click *pb.ClickEvent, format *clickFormat) (*kafka.Message, error) {
	value, err := format.Append(nil, click)
	if err != nil {
		return nil, fmt.Errorf("click of %s: %w", click.GetUserId(), err)
	}
	at := time.UnixMilli(click.GetEventTimestamp())
	if now := time.Now(); at.After(now) {
		at = now
	}
	return &kafka.Message{Key: []byte(click.GetUserId()), Value: value, Time: at}, nil
}

// meter counts what is read.
type meter struct {
	io.Reader
	read, size int64 // size is 0 where it is not known
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.Reader.Read(p)
	m.read += int64(n)
	return n, err
}
