package web

import (
	"embed"
	"io/fs"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/stream/progress"
	"github.com/millrace/millrace/stream/prom"
)

//go:embed assets
var embedded embed.FS

// policy lets the page load from its own origin only.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Handler serves the page at "/". To have it elsewhere, put it behind http.StripPrefix: the page asks for what lies beside it.
func (p Page) Handler() (http.Handler, error) {
	assets, err := fs.Sub(embedded, "assets")
	if err != nil {
		return nil, err
	}
	var recorders []*progress.Recorder
	for _, j := range p.Jobs {
		recorders = append(recorders, j.Recorder)
	}
	registry := prometheus.NewRegistry()
	for _, c := range []prometheus.Collector{prom.New(recorders...), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})} {
		if err := registry.Register(c); err != nil {
			return nil, err
		}
	}
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(assets))
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		p.answer(w, func(j *Job, n progress.Now) check { return j.alive(n, clock.Real{}.Now()) })
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { p.answer(w, (*Job).ready) })
	mux.HandleFunc("GET /chart.svg", p.draw("svg", "image/svg+xml"))
	mux.HandleFunc("GET /chart.png", p.draw("png", "image/png"))
	mux.HandleFunc("GET /api/status", p.status)
	mux.HandleFunc("GET /api/history", p.history)
	mux.HandleFunc("POST /api/limit", p.setLimit)
	mux.HandleFunc("GET /api/state", p.states)
	mux.HandleFunc("GET /api/state/{operator}", p.state)
	mux.HandleFunc("GET /api/state/{operator}/{cell}", p.state)
	return p.guard(http.NewCrossOriginProtection().Handler(mux)), nil
}

// guard refuses hosts that are not the server's, and tells browsers to keep the page to itself.
func (p Page) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		if !p.mayCall(r) {
			http.Error(w, "this server does not answer to the host "+r.Host+"; call it by its address", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// mayCall reports whether a request may name the host it names. A name that an attacker's server resolves to this machine (DNS rebinding) is refused on
// loopback connections, and wherever something would be changed; an address is not a name.
func (p Page) mayCall(r *http.Request) bool {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	ip := net.ParseIP(host)
	switch {
	case host == "localhost" || ip != nil && ip.IsLoopback() || slices.Contains(p.Hosts, host):
		return true
	case local(r):
		return false
	}
	return ip != nil || r.Method == http.MethodGet || r.Method == http.MethodHead
}

// local reports whether a request came to a loopback address, or nobody knows where.
func local(r *http.Request) bool {
	a, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return !ok || a.IP.IsLoopback()
}
