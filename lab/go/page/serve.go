package main

import (
	"context"
	"errors"
	"fmt"
	"html"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Less than the half minute that Kubernetes gives a pod to end.
const finishWithin = 25 * time.Second

// serve answers on $PORT (8080) until it is told to end, and then finishes what it has begun.
func serve(ended context.Context) error {
	server := &http.Server{
		Addr:              ":" + setting("PORT", "8080"),
		Handler:           handler(),
		ReadHeaderTimeout: 10 * time.Second,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	fmt.Printf("serve: commit %s on %s\n", commit(), server.Addr)
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ended.Done():
	}
	fmt.Println("serve: finishing requests")
	limit, cancel := context.WithTimeout(context.Background(), finishWithin)
	defer cancel()
	if err := server.Shutdown(limit); err != nil {
		return fmt.Errorf("serve: requests took too long to finish: %w", err)
	}
	fmt.Println("serve: ended")
	return nil
}

func handler() http.Handler {
	found := &counter{file: setting("COUNT_FILE", "/data/count")}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", page)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { text(w, "ok") })
	mux.HandleFunc("GET /env", variableNames)
	mux.HandleFunc("GET /env/{name}", variable)
	mux.HandleFunc("GET /count", found.show)
	mux.HandleFunc("POST /count", found.add)
	mux.HandleFunc("GET /slow", slow)
	return mux
}

// page shows page.html, and below it what Kapsa says of this environment.
func page(w http.ResponseWriter, _ *http.Request) {
	content, err := os.ReadFile(pageFile())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Commit", commit())
	fmt.Fprintf(w, "<!doctype html>\n<meta charset=\"utf-8\">\n%s\n<dl>\n", content)
	for _, name := range []string{"COMMIT", "ENVIRONMENT", "BRANCH", "PR"} {
		if value := os.Getenv("KAPSA_" + name); value != "" {
			fmt.Fprintf(w, "<dt>%s<dd>%s\n", strings.ToLower(name), html.EscapeString(value))
		}
	}
	fmt.Fprintln(w, "</dl>")
}

// variableNames lists the names of all environment variables, one a line.
func variableNames(w http.ResponseWriter, _ *http.Request) {
	var names []string
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		names = append(names, name)
	}
	slices.Sort(names)
	text(w, strings.Join(names, "\n"))
}

// variable answers with the value of one environment variable.
func variable(w http.ResponseWriter, r *http.Request) {
	value, found := os.LookupEnv(r.PathValue("name"))
	if !found {
		http.NotFound(w, r)
		return
	}
	text(w, value)
}

// slow answers after the duration ?for, by default a second.
func slow(w http.ResponseWriter, r *http.Request) {
	wait := time.Second
	if said := r.FormValue("for"); said != "" {
		parsed, err := time.ParseDuration(said)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		wait = parsed
	}
	select {
	case <-time.After(wait):
		text(w, "done")
	case <-r.Context().Done():
	}
}

// counter is a number in a file, which outlives the process where the file is on a volume.
type counter struct {
	file string
	lock sync.Mutex
}

func (c *counter) show(w http.ResponseWriter, _ *http.Request) { c.answer(w, 0) }

func (c *counter) add(w http.ResponseWriter, _ *http.Request) { c.answer(w, 1) }

func (c *counter) answer(w http.ResponseWriter, more int) {
	c.lock.Lock()
	defer c.lock.Unlock()
	count, err := c.read()
	if err == nil && more != 0 {
		count += more
		err = c.write(count)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	text(w, strconv.Itoa(count))
}

func (c *counter) read() (int, error) {
	content, err := os.ReadFile(c.file)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(content)))
}

func (c *counter) write(count int) error {
	fresh := filepath.Join(filepath.Dir(c.file), ".count.new")
	if err := os.WriteFile(fresh, []byte(strconv.Itoa(count)+"\n"), 0o600); err != nil {
		return err
	}
	return os.Rename(fresh, c.file)
}

func text(w http.ResponseWriter, said string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintln(w, said)
}
