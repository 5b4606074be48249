package kafka_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/source/kafka"
	"github.com/millrace/millrace/source/sourcetest"
)

// text decodes the value alone, and refuses "bad".
type text struct{}

func (text) DecodeRecord(r *source.Raw) (string, error) {
	if string(r.Value) == "bad" {
		return "", errBad
	}
	return string(r.Value), nil
}

func TestConformance(t *testing.T) {
	brokers := testBrokers(t)
	name := newTopic(t, brokers, 3, nil)
	var want []string
	ms := numbered(name, 0, 0, 200)
	for i, m := range ms {
		if i%50 == 7 {
			ms[i] = message(name, 0, "bad")
			continue
		}
		v, err := m.Value.Encode()
		require.NoError(t, err)
		want = append(want, string(v))
	}
	conf := clientConfig(t)
	conf.Producer.Flush.MaxMessages = 9
	produce(t, brokers, conf, ms...)
	transaction(t, brokers, name, true, "kept")
	transaction(t, brokers, name, false, "dropped", "dropped too")
	awaitStable(t, brokers, name, 205)
	produce(t, brokers, clientConfig(t), message(name, 2, "x"))

	for label, opts := range map[string][]kafka.Option{
		"bounded":               {kafka.UntilEnd(), kafka.ReadCommitted()},
		"bounded, small chunks": {kafka.UntilEnd(), kafka.ReadCommitted(), kafka.FetchBytes(300)},
		"unbounded":             {kafka.ReadCommitted()},
	} {
		t.Run(label, func(t *testing.T) {
			sourcetest.Run(t, sourcetest.Config[string]{
				Source: kafka.Source(brokers, name, text{}, opts...),
				Want:   [][]string{append(append([]string{}, want...), "kept"), nil, {"x"}},
				Bad:    4, Positions: 10,
				Equal: func(a, b string) bool { return a == b },
			})
		})
	}
}
