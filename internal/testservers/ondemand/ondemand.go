// Package ondemand is how a test asks for a server that not every run needs: the testservers command, which the test runs under, starts it when it is first
// asked for, shares it among all that ask, and stops it at the end.
package ondemand

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"testing"
	"time"
)

// Env is the variable that holds the address of the testservers command.
const Env = "MILLRACE_TEST_SERVERS"

// startTimeout bounds one start, with the download of the server before the first.
const startTimeout = 5 * time.Minute

// Need starts a server by its name, or finds it started, and returns what there is to know about it ("url", "user"). It fails the test where that is not possible.
func Need(t testing.TB, name string) map[string]string {
	t.Helper()
	addr := os.Getenv(Env)
	if addr == "" {
		t.Fatalf("%s is not set, so there is no %s: run the test under go run ./internal/testservers, or make integration", Env, name)
	}
	facts, err := ask(addr, name)
	if err != nil {
		t.Fatalf("starting %s: %v", name, err)
	}
	return facts
}

func ask(addr, name string) (facts map[string]string, err error) {
	client := &http.Client{Timeout: startTimeout}
	defer client.CloseIdleConnections() // a test may look for goroutines that it left behind
	resp, err := client.Post("http://"+addr+"/start?name="+url.QueryEscape(name), "", nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s", body)
	}
	return facts, json.Unmarshal(body, &facts)
}
