package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"time"

	"example.com/pulse/internal/probe"
	"example.com/pulse/internal/server"
	"example.com/pulse/internal/settings"
)

func serve(ctx context.Context, args []string, t terminal) int {
	flags := newFlags("pulse serve")
	addr := flags.String("addr", "", "address to listen on")
	level := flags.String("log", "", "log level")
	file := flags.String("config", "", "JSON config file")
	if code, done := parse(flags, args, t); done {
		return code
	}
	if flags.NArg() > 0 {
		return misuse(t, fmt.Errorf("serve takes no argument, got %q", flags.Arg(0)))
	}
	fromFlags := settings.Settings{Addr: *addr, Log: *level}
	chosen, err := settings.Load(*file, t.getenv, fromFlags)
	if err != nil {
		fmt.Fprintf(t.stderr, "pulse: %v\n", err)
		return exitUsage
	}
	log := slog.New(slog.NewTextHandler(t.stderr, &slog.HandlerOptions{Level: chosen.Level()}))
	return listen(ctx, chosen.Addr, log)
}

func listen(ctx context.Context, addr string, log *slog.Logger) int {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		log.Error("cannot listen", "addr", addr, "error", err)
		return exitFail
	}
	log.Info("listening", "addr", listener.Addr().String(), "version", version)
	if err := server.New(version, log, time.Now).Run(ctx, listener); err != nil {
		log.Error("stopped", "error", err)
		return exitFail
	}
	log.Info("stopped")
	return exitOK
}

func check(ctx context.Context, args []string, t terminal) int {
	flags := newFlags("pulse check")
	timeout := flags.Duration("timeout", 5*time.Second, "how long to wait for the answer")
	if code, done := parse(flags, args, t); done {
		return code
	}
	if flags.NArg() != 1 {
		return misuse(t, fmt.Errorf("check takes one URL, got %d arguments", flags.NArg()))
	}
	target, err := probe.ParseURL(flags.Arg(0))
	if err != nil {
		return misuse(t, err)
	}
	result, err := probe.Get(ctx, target, *timeout)
	if err != nil {
		fmt.Fprintf(t.stderr, "pulse: %v\n", err)
		return exitFail
	}
	fmt.Fprintf(t.stdout, "%s %s in %d ms\n", target, result.Status, result.Took.Milliseconds())
	if !result.Healthy {
		return exitFail
	}
	return exitOK
}
