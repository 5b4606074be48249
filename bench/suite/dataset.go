package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/IBM/sarama"

	"github.com/millrace/millrace/internal/partitioner"
)

// partitions is how many the log has.
const partitions = 4

// dataset is a generated log on disk, a file for each partition, each record behind its length, and the answer.
type dataset struct {
	Name   string
	Events int
	Dir    string
	Answer answer
}

func (d dataset) files() (paths []string) {
	for p := range partitions {
		paths = append(paths, filepath.Join(d.Dir, fmt.Sprintf("clicks-%d.pb", p)))
	}
	return paths
}

const answerFile = "answer.json"

// makeDataset returns the log of a number of events, which it writes unless it is there.
func makeDataset(work string, events int) (dataset, error) {
	d := dataset{Name: fmt.Sprintf("clicks-%dk", events/1000), Events: events}
	d.Dir = filepath.Join(work, d.Name)
	text, err := os.ReadFile(filepath.Join(d.Dir, answerFile))
	if err == nil {
		return d, json.Unmarshal(text, &d.Answer)
	}
	if err := os.MkdirAll(d.Dir, 0o755); err != nil {
		return d, err
	}
	return d, d.write()
}

func (d *dataset) write() (err error) {
	var out []*bufio.Writer
	for _, path := range d.files() {
		f, err := os.Create(path)
		if err != nil {
			return err
		}
		defer f.Close()
		out = append(out, bufio.NewWriterSize(f, 1<<20))
	}
	all, buf := batch{}, []byte(nil)
	for e := range clicks(1, d.Events, max(1, d.Events/20)) {
		all.add(e)
		body, err := e.MarshalVT()
		if err != nil {
			return err
		}
		buf = append(binary.AppendUvarint(buf[:0], uint64(len(body))), body...)
		if _, err := out[partitioner.Murmur2([]byte(e.UserId), partitions)].Write(buf); err != nil {
			return err
		}
	}
	for _, f := range out {
		err = errors.Join(err, f.Flush())
	}
	if err != nil {
		return err
	}
	d.Answer = all.answer()
	text, err := json.Marshal(d.Answer)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(d.Dir, answerFile), text, 0o644) // last: the log is whole where it is there
}

// load creates the topic of the log and writes the log into it.
func (d dataset) load(ctx context.Context, brokers string) error {
	cfg := sarama.NewConfig()
	cfg.Version = sarama.V2_8_0_0
	cfg.Producer.Partitioner = sarama.NewManualPartitioner
	cfg.Producer.Flush.Bytes, cfg.Producer.Flush.Frequency = 512<<10, 50*time.Millisecond // without which the last messages would never go
	cfg.ChannelBufferSize = 4096
	admin, err := sarama.NewClusterAdmin([]string{brokers}, cfg)
	if err != nil {
		return err
	}
	defer admin.Close()
	if err := admin.CreateTopic(d.Name, &sarama.TopicDetail{NumPartitions: partitions, ReplicationFactor: 1}, false); err != nil {
		return err
	}
	producer, err := sarama.NewAsyncProducer([]string{brokers}, cfg)
	if err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() {
		var first error
		for e := range producer.Errors() {
			first = errors.Join(first, e)
		}
		failed <- first
	}()
	for p, path := range d.files() {
		if err = d.send(ctx, producer, int32(p), path); err != nil {
			break
		}
	}
	producer.AsyncClose()
	return errors.Join(err, <-failed)
}

func (d dataset) send(ctx context.Context, producer sarama.AsyncProducer, partition int32, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, 1<<20)
	for {
		body, err := record(in)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		select {
		case producer.Input() <- &sarama.ProducerMessage{Topic: d.Name, Partition: partition, Key: sarama.ByteEncoder(userOf(body)), Value: sarama.ByteEncoder(body)}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// userOf is the first field of a click, its user.
func userOf(body []byte) []byte { return body[2 : 2+body[1]] }

// record reads a record from behind its length; io.EOF at the end.
func record(in *bufio.Reader) ([]byte, error) {
	n, err := binary.ReadUvarint(in)
	if err != nil {
		return nil, err
	}
	body := make([]byte, n)
	_, err = io.ReadFull(in, body)
	return body, err
}
