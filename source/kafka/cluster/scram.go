package cluster

import (
	"fmt"

	"github.com/xdg-go/scram"
)

// scramClient is one SCRAM conversation, as sarama drives it.
type scramClient struct {
	mechanism    Mechanism
	conversation *scram.ClientConversation
}

func (s *scramClient) Begin(user, password, authzID string) error {
	hash := scram.SHA512
	if s.mechanism == ScramSHA256 {
		hash = scram.SHA256
	}
	client, err := hash.NewClient(user, password, authzID)
	if err != nil {
		return fmt.Errorf("%s: user or password cannot be used: %w", s.mechanism, err)
	}
	s.conversation = client.NewConversation()
	return nil
}

func (s *scramClient) Step(challenge string) (string, error) { return s.conversation.Step(challenge) }
func (s *scramClient) Done() bool                            { return s.conversation.Done() }
