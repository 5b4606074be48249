package target

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/kafka"
)

// exactlyOnce ends the URL of a topic that is written to by transactions.
const exactlyOnce = "?exactly-once"

var kafkaKind = kind{
	name: "kafka", form: "kafka:TOPIC[?exactly-once]", help: "a topic of the same cluster, JSON keyed by user and start; TOPIC may hold {version}; ?exactly-once by transactions, for readers at read_committed",
	shared: true,
	exact:  true,
	parse: func(_, rest string) (path, table string, err error) {
		if _, query, asked := strings.Cut(rest, "?"); asked {
			return "", "", fmt.Errorf("?%s is not known: a topic takes %s only", query, exactlyOnce)
		}
		return rest, "", nil
	},
	beside:   func(path, name string) string { return path + "-" + name },
	describe: func(path string) string { return "topic " + path },
}

// Topic is the Kafka topic that the rows go to; "" for any other kind.
func (t Target) Topic() string {
	if t.Kind != kafkaKind.name {
		return ""
	}
	return t.Path
}

// openKafka makes a topic's sink. Computations of one cluster differ by their group, so transactions are named after it.
func openKafka[T any](t Target, rows Rows[T], env Env) sink.Sink[T] {
	opts := []kafka.Option{kafka.Connect(env.Connection)}
	if t.Exact {
		opts = append(opts, kafka.ExactlyOnce(), kafka.TransactionPrefix("millrace/"+env.Group))
	}
	return kafka.Sink(env.Brokers, t.Topic(), kafka.EncoderFunc[T](func(m *kafka.Message, row T) (err error) {
		m.Key = []byte(rows.Key(row))
		m.Value, err = json.Marshal(row)
		return err
	}), opts...)
}
