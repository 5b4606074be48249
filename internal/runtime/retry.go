package runtime

import (
	"context"
	"fmt"
	"time"
)

const (
	retryFirst = 100 * time.Millisecond
	retryMost  = 5 * time.Second
)

// retry calls f until it succeeds, fails for good, or has failed temporarily for longer than the configured time.
func (r *Run) retry(ctx context.Context, operator string, temporary func(error) bool, f func() error) error {
	return r.cfg.retry(ctx, operator, temporary, f)
}

func (c *Config) retry(ctx context.Context, operator string, temporary func(error) bool, f func() error) error {
	var since time.Time
	delay := retryFirst
	for {
		err := f()
		if err == nil || !temporary(err) || ctx.Err() != nil {
			return err
		}
		now := c.Clock.Now()
		if since.IsZero() {
			since = now
		}
		if now.Sub(since) >= c.RetryFor {
			return fmt.Errorf("gave up after %s of retries: %w", now.Sub(since).Round(time.Second), err)
		}
		c.Logger.Warn("retrying", "operator", operator, "in", delay, "err", err)
		c.Meter.Counter("retries", "operator", operator).Add(1)
		ring, stop := c.Clock.After(delay)
		select {
		case <-ring:
		case <-ctx.Done():
			stop()
			return err
		}
		delay = min(2*delay, retryMost)
	}
}
