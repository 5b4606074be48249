// Command wordcount counts words by the minute, in text whose lines begin with their time:
//
//	go run ./examples/wordcount examples/wordcount/sample.log
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/print"
	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/source/file"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
	"github.com/millrace/millrace/window"
)

func main() {
	job := stream.NewJob("wordcount")
	countWords(job, file.Lines(codec.String(), os.Args[1:]...), print.Values[string]())
	if err := job.Run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func countWords(job *stream.Job, lines source.Source[string], to sink.Sink[string]) {
	text := stream.From(job, "lines", lines, watermark.Strategy[string]{})
	entries := stream.TryMap(text, parse)
	timed := stream.AssignTimestamps(entries, watermark.Monotonous(func(e entry) time.Time { return e.at }))
	words := stream.FlatMap(timed, func(e entry, emit func(string)) {
		for _, word := range strings.Fields(strings.ToLower(e.text)) {
			emit(word)
		}
	})
	byWord := stream.KeyBy(words, func(word string) string { return word })
	counts := stream.Process(stream.Window(byWord, window.Tumbling(time.Minute)), "count", count{})
	stream.To(counts, "counts", to)
}

type entry struct {
	at   time.Time
	text string
}

func parse(line string) (entry, error) {
	at, text, _ := strings.Cut(line, " ")
	when, err := time.Parse(time.RFC3339, at)
	return entry{when, text}, err
}

type count struct{}

func (count) Process(_ *stream.Context, minute stream.Pane[string, string], out *stream.Collector[string]) error {
	out.Emit(fmt.Sprintf("%s %s %d", time.UnixMilli(minute.Window.Start).UTC().Format("15:04"), minute.Key, len(minute.Elements)))
	return nil
}
