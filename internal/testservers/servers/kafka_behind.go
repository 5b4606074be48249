package servers

import (
	"context"
	"fmt"
)

// StartKafkaBehind starts a broker as StartKafka does, for clients that come through a proxy: those of the listener at Behind are told that the broker is at
// advertised ("host:port"), so that all their connections lead through it. Plaintext and SASL are reached without it.
func StartKafkaBehind(ctx context.Context, dir, advertised string) (*Kafka, error) {
	libs, err := installKafka(ctx)
	if err != nil {
		return nil, err
	}
	return startKafka(ctx, dir, libs, settings{advertised: advertised})
}

// behind adds the listener; of settings given twice the later count.
func (k *Kafka) behind(controllerPort int, advertised string) string {
	return fmt.Sprintf(`listeners=PLAINTEXT://%[1]s,SECURE://%[2]s,BEHIND://%[3]s,CONTROLLER://127.0.0.1:%[5]d
advertised.listeners=PLAINTEXT://%[1]s,SECURE://%[2]s,BEHIND://%[4]s
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURE:SASL_SSL,BEHIND:PLAINTEXT
`, k.Plaintext, k.SASL, k.Behind, advertised, controllerPort)
}
