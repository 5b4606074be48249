// Package web shows running jobs to people and to machines: a page with their progress, and /metrics, /healthz and /readyz.
//
//	s, err := web.Listen(":8081", web.Page{Jobs: []web.Job{{Recorder: recorder, Job: job}}}) // 127.0.0.1:8081
//	go s.Serve(ctx)                                                                          // until ctx is done
//
// The page is in the program, needs no other host, and asks for numbers every second. What is served:
//
//	/             the page
//	/metrics      for Prometheus, see package prom
//	/healthz      200 while every job is alive: it moves, has nothing to read, or has ended well; 503 with the reason otherwise
//	/readyz       200 when every job has found its input, and has caught up if it is to follow; 503 with the reason otherwise
//	/chart.svg    the throughput over time, as .png too
//	/api/status   what the page shows, as JSON
//	/api/history  the throughput over time, as JSON
//	/api/limit    POST changes the rate limit of a job
//	/api/state    the operators whose state can be asked for, where Job.States is set
//	/api/state/OPERATOR?key=KEY  what the running job keeps of a key now; /api/state/OPERATOR/CELL one state of it
//
// A question about a key is answered with 404 where there is no such operator, state or key, 409 where the job is not running, and 503 with Retry-After where the job is just
// starting or its task did not come to answer within the request's timeout (2s, or timeout=500ms). A job of several is named by job=NAME.
//
// Nothing asks for a password. An address without a host is loopback only; others have to be spelled out. Requests to a loopback address are answered only if
// they name a loopback host, so that no other site can reach the page through a name of its own, and changes are taken from the page's own origin only.
package web
