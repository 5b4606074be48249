package servers

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

const (
	s3proxyVersion      = "4.1.0"
	s3proxyStartTimeout = 60 * time.Second
	s3proxyStopTimeout  = 10 * time.Second
)

// S3Proxy is a running S3Proxy, an S3 server of its own that keeps objects as files.
type S3Proxy struct {
	URL        string
	ID, Secret string // of the only key
	Log        string // path of the server's log

	proc *process
}

// StartS3Proxy starts a server that keeps everything in dir, which must exist and be empty, and waits until it answers. The jar is fetched on first use.
func StartS3Proxy(ctx context.Context, dir string) (*S3Proxy, error) {
	jars, err := install("s3proxy-"+s3proxyVersion, func(into string) error {
		return maven(ctx, into, "dependency:copy", "-Dartifact=org.gaul:s3proxy:"+s3proxyVersion+":jar:jar-with-dependencies", "-DoutputDirectory=.")
	})
	if err != nil {
		return nil, err
	}
	dir, err = filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("S3Proxy's directory: %w", err)
	}
	ports, err := freePorts(1)
	if err != nil {
		return nil, err
	}
	s := &S3Proxy{URL: fmt.Sprintf("http://127.0.0.1:%d", ports[0]), ID: "millrace", Secret: rand.Text(), Log: filepath.Join(dir, "s3proxy.log")}
	objects, properties := filepath.Join(dir, "objects"), filepath.Join(dir, "s3proxy.properties")
	if err := os.Mkdir(objects, 0o755); err != nil {
		return nil, fmt.Errorf("S3Proxy's directory: %w", err)
	}
	if err := os.WriteFile(properties, s.config(objects), 0o600); err != nil {
		return nil, fmt.Errorf("S3Proxy's configuration: %w", err)
	}
	return s, s.start(ctx, filepath.Join(jars, "s3proxy-"+s3proxyVersion+"-jar-with-dependencies.jar"), properties)
}

func (s *S3Proxy) config(objects string) []byte {
	return fmt.Appendf(nil, `s3proxy.endpoint=%s
s3proxy.authorization=aws-v4
s3proxy.identity=%s
s3proxy.credential=%s
jclouds.provider=filesystem-nio2
jclouds.filesystem.basedir=%s
`, s.URL, s.ID, s.Secret, objects)
}

func (s *S3Proxy) start(ctx context.Context, jar, properties string) error {
	log, err := os.Create(s.Log)
	if err != nil {
		return fmt.Errorf("S3Proxy's log: %w", err)
	}
	defer log.Close()
	cmd := exec.CommandContext(context.WithoutCancel(ctx), "java", "-Xmx256m", "-XX:+UseSerialGC", "-jar", jar, "--properties", properties)
	cmd.Stdout, cmd.Stderr = log, log
	if s.proc, err = startProcess(cmd); err != nil {
		return fmt.Errorf("starting S3Proxy: %w", err)
	}
	if err := s.await(ctx); err != nil {
		_ = s.proc.kill() // the start's error is the one to report
		return fmt.Errorf("%w\n%s", err, tail(s.Log, 4000))
	}
	return nil
}

func (s *S3Proxy) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s3proxyStartTimeout)
	defer cancel()
	for {
		if c, err := net.DialTimeout("tcp", s.URL[len("http://"):], time.Second); err == nil {
			return c.Close()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("S3Proxy did not listen on %s in time: %w", s.URL, ctx.Err())
		case <-s.proc.exited:
			return fmt.Errorf("S3Proxy ended while starting: %s", s.proc.cmd.ProcessState)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Stop ends the server in order, and kills it if that takes too long.
func (s *S3Proxy) Stop() error { return s.proc.stop(s3proxyStopTimeout) }
