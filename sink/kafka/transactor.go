package kafka

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/source/kafka/cluster"
)

// transactionRequests is how often sarama tries a request of the transaction protocol again, at most transactionBackoff apart: long enough for a broker to restart.
const (
	transactionRequests = 60
	transactionBackoff  = 500 * time.Millisecond
	transactionResend   = 250 * time.Millisecond // between tries of a record batch
	// abortWithin bounds how long a job that ends waits for the brokers to forget what it did not commit; they do so by themselves when it is started again, or
	// when the transaction times out.
	abortWithin = 5 * time.Second
)

// transactor makes a unit's transactions, under two transactional ids in turn, as initializing an id ends what is open under it: so the next transaction is
// ready while the one before is being committed.
//
// Each transaction has a producer epoch of its own. A request that a network held up, or that sarama sends again, can so only meet the transaction it was meant
// for, or be refused. The epochs of an id also tell whether another instance came between: they would not be one apart.
type transactor struct {
	brokers []string
	cluster *cluster.Cluster
	config  config
	group   string // keeps the marker, on the first partition of topic
	topic   string
	logger  *slog.Logger
	lanes   [2]*lane
	fresh   []*transaction // made by Settle
	cut     atomic.Bool    // the clients are closed, or about to be
	mu      sync.Mutex     // guards the lanes' clients, which cutOff closes from elsewhere
}

// lane is one of the transactional ids.
type lane struct {
	id     string
	client sarama.Client
	async  atomic.Pointer[sarama.AsyncProducer] // of the transaction begun last
	last   epoch
	open   *transaction // nil when ended
}

// epoch is what an id was last initialized to.
type epoch struct {
	producer int64
	number   int16
}

// follows reports whether e is what the next initialization after d gives. When the epochs of a producer id are used up the brokers take another one.
func (e epoch) follows(d epoch) bool {
	if e.producer == d.producer {
		return e.number == d.number+1
	}
	return d.number >= math.MaxInt16-1 && e.number == 0
}

func newTransactor(brokers []string, topic string, c *cluster.Cluster, cfg config, env sink.TransactorEnv) *transactor {
	name := cfg.prefix + "/" + env.Job + "/" + env.Unit
	t := &transactor{brokers: brokers, cluster: c, config: cfg, group: name, topic: topic, logger: env.Logger}
	for i := range t.lanes {
		t.lanes[i] = &lane{id: fmt.Sprintf("%s/%d", name, i)}
	}
	return t
}

// Settle implements sink.Transactor: initializing both ids ends what is open under them and fences whoever opened it.
func (t *transactor) Settle(ctx context.Context) (marker string, err error) {
	t.release() // of a try before
	t.fresh = nil
	for _, l := range t.lanes {
		n, err := t.begin(ctx, l)
		if err != nil {
			return "", err
		}
		t.fresh = append(t.fresh, n)
	}
	p := cluster.Partition{Topic: t.topic}
	commits, err := t.cluster.Commits(ctx, t.group, []cluster.Partition{p})
	if err != nil {
		return "", temporary(fmt.Errorf("reading the marker: %w", err))
	}
	return commits[p].Metadata, nil
}

// Begin implements sink.Transactor.
func (t *transactor) Begin(ctx context.Context) (sink.Transaction, error) {
	if len(t.fresh) > 0 {
		n := t.fresh[0]
		t.fresh = t.fresh[1:]
		return n, nil
	}
	for _, l := range t.lanes {
		if l.open != nil {
			continue
		}
		// An older instance that initialized an id again would fence the newer.
		before := l.last
		now, err := l.current()
		expired := errors.Is(err, errTransactionalIDNotFound) // no transaction for days
		if err != nil && !expired {
			return nil, t.explain(l, err)
		}
		if now != before && !expired {
			return nil, fmt.Errorf("transactional id %s: %w: it is at epoch %d of producer %d, not %d of %d", l.id, sink.ErrFenced, now.number, now.producer, before.number, before.producer)
		}
		n, err := t.begin(ctx, l)
		if err != nil {
			return nil, err
		}
		if !l.last.follows(before) && !expired { // someone came between, or an answer was lost and the brokers were asked twice: the next attempt finds out
			return nil, fmt.Errorf("transactional id %s: epoch %d of producer %d follows epoch %d of producer %d: it may have been initialized by another instance of the job",
				l.id, l.last.number, l.last.producer, before.number, before.producer)
		}
		return n, nil
	}
	return nil, errors.New("both transactions are open")
}

// begin initializes a lane and opens a transaction there.
func (t *transactor) begin(ctx context.Context, l *lane) (*transaction, error) {
	stop := context.AfterFunc(ctx, t.cutOff)
	defer stop()
	fail := func(err error) (*transaction, error) {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, t.explain(l, err)
	}
	if err := t.connect(l); err != nil {
		return fail(err)
	}
	async, err := sarama.NewAsyncProducerFromClient(l.client)
	if err != nil {
		return fail(err)
	}
	l.async.Store(&async)
	n := &transaction{transactor: t, lane: l, line: newLine(async), settings: t.config.settings(), marker: newMarker()}
	l.open = n
	if l.last, err = l.current(); err == nil {
		err = async.BeginTxn()
	}
	if err != nil {
		l.open = nil
		n.line.close()
		return fail(err)
	}
	return n, nil
}

// connect makes a lane's client.
func (t *transactor) connect(l *lane) error {
	if l.client != nil {
		return nil
	}
	cfg := t.config
	cfg.transaction, cfg.backoff, cfg.resend = l.id, t.backoff, l.resend
	conf, err := cfg.sarama()
	if err != nil {
		return err
	}
	client, err := sarama.NewClient(t.brokers, conf)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.cut.Load() {
		return errors.Join(sarama.ErrClosedClient, client.Close())
	}
	l.client = client
	return nil
}

// current asks the brokers for the lane's epoch.
func (l *lane) current() (epoch, error) {
	var err error
	for range 3 {
		var coordinator *sarama.Broker
		if coordinator, err = l.client.TransactionCoordinator(l.id); err != nil {
			continue
		}
		var r *sarama.DescribeTransactionsResponse
		if r, err = coordinator.DescribeTransactions(&sarama.DescribeTransactionsRequest{TransactionalIDs: []string{l.id}}); err == nil {
			if len(r.TransactionStates) != 1 {
				return epoch{}, fmt.Errorf("the brokers describe %d transactions instead of one", len(r.TransactionStates))
			}
			s := r.TransactionStates[0]
			if s.ErrorCode == sarama.ErrNoError {
				return epoch{s.ProducerID, s.ProducerEpoch}, nil
			}
			err = s.ErrorCode
		}
		_ = coordinator.Close()
		_ = l.client.RefreshTransactionCoordinator(l.id)
	}
	return epoch{}, err
}

// explain adds what is known of an error at initialization, and marks it if waiting may mend it.
func (t *transactor) explain(l *lane, err error) error {
	if errors.Is(err, sarama.ErrInvalidTransactionTimeout) {
		return fmt.Errorf("transactional id %s: TransactionTimeout (%s) is above what the brokers allow: lower it, or raise their transaction.max.timeout.ms: %w", l.id, t.config.timeout, err)
	}
	if errors.Is(err, sarama.ErrTransactionalIDAuthorizationFailed) {
		return fmt.Errorf("transactional id %s: the user may not use it: allow Write and Describe on transactional ids that begin with %q, and Read on groups that do: %w", l.id, t.config.prefix, err)
	}
	if errors.Is(err, sarama.ErrConcurrentTransactions) { // the transaction before is still being ended
		return sink.Temporary(fmt.Errorf("transactional id %s: %w", l.id, err))
	}
	return temporary(fmt.Errorf("transactional id %s: %w", l.id, err))
}

func (t *transactor) backoff(retries, _ int) time.Duration {
	if t.cut.Load() {
		return 0
	}
	return min(transactionBackoff, 20*time.Millisecond<<min(retries, 10))
}

// resend is how long records wait before they are sent again: not at all when that is in vain.
func (l *lane) resend(int, int) time.Duration {
	if async := l.async.Load(); async != nil && (*async).TxnStatus()&sarama.ProducerTxnFlagInError != 0 {
		return 0
	}
	return transactionResend
}

// cutOff makes requests under way, and those to come, fail.
func (t *transactor) cutOff() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cut.Store(true)
	for _, l := range t.lanes {
		if l.client != nil {
			_ = l.client.Close()
		}
	}
}

// Close implements sink.Transactor.
func (t *transactor) Close() error {
	timer := time.AfterFunc(abortWithin, t.cutOff)
	t.release()
	timer.Stop()
	t.cutOff()
	return nil
}

// release aborts what is open.
func (t *transactor) release() {
	for _, l := range t.lanes {
		if n := l.open; n != nil {
			l.open = nil
			if err := n.line.async.AbortTxn(); err != nil && !n.Empty() {
				t.logger.Warn("a transaction could not be aborted: readers wait behind it until the job starts again, or it times out", "id", l.id, "timeout", t.config.timeout, "err", err)
			}
			n.line.close()
		}
	}
}

// newMarker is a name that no other transaction has: 128 random bits.
func newMarker() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	return hex.EncodeToString(b[:])
}
