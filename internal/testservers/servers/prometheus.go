package servers

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

const (
	prometheusStartTimeout = time.Minute
	prometheusStopTimeout  = 10 * time.Second
)

// Prometheus is a real Prometheus on a loopback port. It scrapes, each second, what the files *.json in Targets name.
type Prometheus struct {
	URL     string // without a slash at the end
	Targets string
	process *process
}

// StartPrometheus starts a Prometheus with its data in dir, which answers when StartPrometheus returns. Debian's package is installed where it is missing and
// that is possible. The server ends with Stop, not with ctx, which bounds the start only.
func StartPrometheus(ctx context.Context, dir string) (*Prometheus, error) {
	program, err := debianProgram(ctx, "prometheus", "prometheus")
	if err != nil {
		return nil, err
	}
	p := &Prometheus{Targets: filepath.Join(dir, "targets")}
	if err := os.Mkdir(p.Targets, 0o755); err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "prometheus.yml")
	text := fmt.Sprintf("global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n- job_name: tests\n  file_sd_configs: [{files: ['%s/*.json'], refresh_interval: 1s}]\n", p.Targets)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		return nil, err
	}
	ports, err := freePorts(1)
	if err != nil {
		return nil, err
	}
	addr := fmt.Sprintf("127.0.0.1:%d", ports[0])
	p.URL = "http://" + addr
	logFile, err := os.Create(filepath.Join(dir, "prometheus.log"))
	if err != nil {
		return nil, err
	}
	defer logFile.Close()
	cmd := exec.Command(program, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+addr)
	cmd.Stdout, cmd.Stderr = logFile, logFile
	if p.process, err = startProcess(cmd); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, prometheusStartTimeout)
	defer cancel()
	for !p.ready(ctx) {
		select {
		case <-p.process.exited:
			return nil, fmt.Errorf("Prometheus ended while starting\n%s", tail(logFile.Name(), tailOfLogBytes))
		case <-ctx.Done():
			return nil, fmt.Errorf("Prometheus does not answer: %w\n%s", ctx.Err(), tail(logFile.Name(), tailOfLogBytes)+fmt.Sprint(p.Stop()))
		case <-time.After(100 * time.Millisecond):
		}
	}
	return p, nil
}

func (p *Prometheus) ready(ctx context.Context) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL+"/-/ready", nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// Stop ends the server.
func (p *Prometheus) Stop() error { return p.process.stop(prometheusStopTimeout) }

// Chromium finds the browser, and installs Debian's package where it is missing and that is possible.
func Chromium(ctx context.Context) (path string, err error) {
	return debianProgram(ctx, "chromium", "chromium")
}
