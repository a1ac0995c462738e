// Command page is the web application of the demo and of the end-to-end tests.
//
// It needs nothing but itself and page.html, so it runs in an image made from scratch. Each of its
// subcommands is one kind of process: serve (the default), worker, task, migrate and crash.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

const usage = "usage: page [serve | worker | task | migrate [WORD] | crash]"

func main() {
	command, arguments := "serve", []string(nil)
	if len(os.Args) > 1 {
		command, arguments = os.Args[1], os.Args[2:]
	}
	ended, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ended, command, arguments); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ended context.Context, command string, arguments []string) error {
	switch command {
	case "serve":
		return serve(ended)
	case "worker":
		work(ended)
		return nil
	case "task":
		fmt.Printf("task: done by commit %s\n", commit())
		return nil
	case "migrate":
		return migrate(arguments)
	case "crash":
		fmt.Println("crash: reading the settings")
		return fmt.Errorf("crash: there is no setting DATABASE_URL (commit %s)", commit())
	}
	return fmt.Errorf("page: there is no command %q; %s", command, usage)
}

// work prints a line each second until it is told to end.
func work(ended context.Context) {
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for number := 1; ; number++ {
		fmt.Printf("worker: round %d of commit %s\n", number, commit())
		select {
		case <-ended.Done():
			fmt.Println("worker: ended")
			return
		case <-second.C:
		}
	}
}

// migrate fails where page.html has the word, by default "broken-migration".
func migrate(arguments []string) error {
	word := "broken-migration"
	if len(arguments) > 0 {
		word = arguments[0]
	}
	fmt.Printf("migrate: to commit %s\n", commit())
	content, err := os.ReadFile(pageFile())
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if strings.Contains(string(content), word) {
		return fmt.Errorf("migrate: failed, since %s has the word %q", pageFile(), word)
	}
	fmt.Println("migrate: done")
	return nil
}

func commit() string { return setting("KAPSA_COMMIT", "unknown") }

func pageFile() string { return setting("PAGE_FILE", "/page.html") }

func setting(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}
