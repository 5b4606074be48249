package cluster

import (
	"context"
	"crypto/tls"
	"errors"

	"github.com/IBM/sarama"
)

// retriable are the answers that another try, usually after fresh metadata, may mend.
var retriable = map[sarama.KError]bool{
	sarama.ErrUnknown: true, sarama.ErrLeaderNotAvailable: true, sarama.ErrNotLeaderForPartition: true, sarama.ErrRequestTimedOut: true,
	sarama.ErrBrokerNotAvailable: true, sarama.ErrReplicaNotAvailable: true, sarama.ErrNetworkException: true, sarama.ErrOffsetsLoadInProgress: true,
	sarama.ErrConsumerCoordinatorNotAvailable: true, sarama.ErrNotCoordinatorForConsumer: true, sarama.ErrNotEnoughReplicas: true,
	sarama.ErrNotEnoughReplicasAfterAppend: true, sarama.ErrNotController: true, sarama.ErrKafkaStorageError: true, sarama.ErrFencedLeaderEpoch: true,
	sarama.ErrUnknownLeaderEpoch: true, sarama.ErrOffsetNotAvailable: true, sarama.ErrThrottlingQuotaExceeded: true,
	sarama.ErrUnstableOffsetCommit: true, sarama.ErrUnknownTopicOrPartition: true, sarama.ErrListenerNotFound: true,
}

// Retriable reports whether trying again may help: lost connections and the passing states of a cluster. Refused credentials, certificates that do not
// verify, missing permissions and answers that make no sense are not.
func Retriable(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) {
		return false
	}
	for _, refused := range []error{sarama.ErrSASLAuthenticationFailed, sarama.ErrUnsupportedSASLMechanism, sarama.ErrIllegalSASLState, ErrOldFetch} {
		if errors.Is(err, refused) { // sarama hides these behind the server's message, where errors.As does not see them
			return false
		}
	}
	var kerr sarama.KError
	if errors.As(err, &kerr) {
		return retriable[kerr]
	}
	var (
		config    sarama.ConfigurationError
		decoding  sarama.PacketDecodingError
		encoding  sarama.PacketEncodingError
		cert      *tls.CertificateVerificationError
		alert     tls.AlertError
		recordErr tls.RecordHeaderError
	)
	return !errors.As(err, &config) && !errors.As(err, &decoding) && !errors.As(err, &encoding) && !errors.As(err, &cert) && !errors.As(err, &alert) &&
		!errors.As(err, &recordErr) && !errors.Is(err, sarama.ErrDecompressedBatchTooLarge)
}
