package kafka

import (
	"errors"
	"io"
	"net"

	"github.com/IBM/sarama"
)

// isNetwork reports whether err comes from reaching the cluster, rather than from the rows.
func isNetwork(err error) bool {
	var nerr net.Error
	for _, e := range []error{
		sarama.ErrOutOfBrokers, sarama.ErrNotConnected, sarama.ErrShuttingDown, sarama.ErrIncompleteResponse, sarama.ErrBrokerNotFound, io.EOF, io.ErrUnexpectedEOF,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return errors.As(err, &nerr)
}
