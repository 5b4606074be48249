//go:build integration

package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/Shopify/toxiproxy/v2"
)

// tally counts faults by kind. It is safe for concurrent use.
type tally struct {
	mu     sync.Mutex
	counts map[string]int64
}

func (c *tally) add(kind string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counts == nil {
		c.counts = map[string]int64{}
	}
	c.counts[kind]++
}

// connectionFault disturbs what goes through a proxy for a while.
type connectionFault struct {
	kind  string
	toxic func(r *rand.Rand) string // a toxic of toxiproxy in JSON; nil closes the proxy
}

var connectionFaults = []connectionFault{
	{kind: "connection cut"},
	{"connection reset", func(*rand.Rand) string { return `"type":"reset_peer","attributes":{"timeout":0}` }},
	{"connection delayed", func(r *rand.Rand) string {
		return fmt.Sprintf(`"type":"latency","attributes":{"latency":%d,"jitter":%d}`, 10+r.IntN(150), r.IntN(50))
	}},
	{"connection throttled", func(r *rand.Rand) string {
		return fmt.Sprintf(`"type":"bandwidth","attributes":{"rate":%d}`, 20+r.IntN(200)) // KB/s
	}},
	{"connection stalled", func(r *rand.Rand) string {
		return fmt.Sprintf(`"type":"timeout","attributes":{"timeout":%d}`, 50+r.IntN(400)) // nothing passes, then it is closed
	}},
	{"packets torn", func(r *rand.Rand) string {
		return fmt.Sprintf(`"type":"slicer","attributes":{"average_size":%d,"size_variation":%d,"delay":50}`, 200+r.IntN(2000), 100)
	}},
}

// inject causes the fault and heals it after d.
func (f connectionFault) inject(p *toxiproxy.Proxy, r *rand.Rand, d time.Duration) error {
	if f.toxic == nil {
		p.Stop()
		time.Sleep(d)
		return p.Start()
	}
	stream := [...]string{"upstream", "downstream"}[r.IntN(2)]
	text := fmt.Sprintf(`{"name":"fault","stream":%q,"toxicity":1,%s}`, stream, f.toxic(r))
	if _, err := p.Toxics.AddToxicJson(strings.NewReader(text)); err != nil {
		return fmt.Errorf("toxic %s: %w", text, err)
	}
	time.Sleep(d)
	return p.Toxics.RemoveToxic(context.Background(), "fault")
}

// trouble injects faults at random until it is stopped.
type trouble struct {
	stop  context.CancelFunc
	ended chan struct{}
	err   error // set when ended is closed
}

// startTrouble disturbs the proxies and the process, one fault after the other. All are healed when end returns.
func startTrouble(p *process, proxies []*toxiproxy.Proxy, r *rand.Rand, count *tally) *trouble {
	ctx, stop := context.WithCancel(context.Background())
	t := &trouble{stop: stop, ended: make(chan struct{})}
	go func() {
		defer close(t.ended)
		t.err = disturb(ctx, p, proxies, r, count)
	}()
	return t
}

func disturb(ctx context.Context, p *process, proxies []*toxiproxy.Proxy, r *rand.Rand, count *tally) error {
	for {
		select {
		case <-time.After(time.Duration(30+r.IntN(300)) * time.Millisecond):
		case <-ctx.Done():
			return nil
		}
		d := time.Duration(20+r.IntN(350)) * time.Millisecond
		if r.IntN(10) == 0 {
			count.add("process paused")
			p.pause(d)
			continue
		}
		f := connectionFaults[r.IntN(len(connectionFaults))]
		proxy := proxies[r.IntN(len(proxies))]
		count.add(f.kind)
		if err := f.inject(proxy, r, d); err != nil {
			return fmt.Errorf("%s at %s: %w", f.kind, proxy.Name, err)
		}
	}
}

// end stops the trouble and waits until all is healed. It may be called again.
func (t *trouble) end() error {
	t.stop()
	<-t.ended
	return t.err
}
