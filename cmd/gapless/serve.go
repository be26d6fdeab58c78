package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/gaplessdb/gapless"
)

func newServe() *cobra.Command {
	var path string
	var show bool
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "run a node",
		Long: "Run a node until SIGINT or SIGTERM; SIGHUP reads the token file again. Settings come from the file, then GAPLESS_* variables, then flags: later ones win.\n" +
			"Exit code 70 means that the node ended itself because going on could lose or damage data.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if path == "" {
				path = os.Getenv("GAPLESS_CONFIG")
			}
			l, err := loadConfig(path, os.Environ(), cmd.Flags())
			if err != nil {
				return err
			}
			invalid := l.Validate()
			if show {
				if invalid != nil {
					fmt.Fprintf(cmd.ErrOrStderr(), "gapless: a node cannot start with these settings yet:\n%v\n", invalid)
				}
				return l.print(cmd.OutOrStdout())
			}
			if invalid != nil {
				return invalid
			}
			return serve(cmd.Context(), l.Config, cmd.ErrOrStderr())
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVarP(&path, "config", "c", "", "YAML file of settings (GAPLESS_CONFIG)")
	cmd.Flags().BoolVar(&show, "print-config", false, "print the settings that would be in force and where each comes from, and exit")
	addFlags(cmd.Flags())
	return cmd
}

// serve runs a node until a signal or a fatal fault, which ends the process here and now: whatever runs after it could acknowledge
// what is not on disk.
func serve(ctx context.Context, cfg gapless.Config, errOut io.Writer) error {
	log, err := newLogger(errOut, cfg.LogLevel, cfg.LogFormat)
	if err != nil {
		return err
	}
	cfg.Logger = log
	cfg.Version = version
	cfg.OnFatal = func(err error) {
		log.Error("the node ends itself", "err", err)
		os.Exit(exitFatal)
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	node, err := gapless.Open(cfg)
	if err != nil {
		return err
	}
	log.Info("serving", "node", cfg.Node, "cluster", cfg.Cluster, "http", node.HTTPAddr(), "listen", cfg.Listen, "version", version)
	reloadTokens(ctx, node, log)
	stop() // a second signal ends the process at once
	log.Info("stopping")
	return node.Close()
}

// reloadTokens reads the token file again at every SIGHUP until ctx ends.
func reloadTokens(ctx context.Context, node *gapless.Node, log *slog.Logger) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
			if err := node.ReloadTokens(); err != nil {
				log.Error("token file not read again: the old tokens stay in force", "err", err)
			} else {
				log.Info("token file read again")
			}
		}
	}
}

func newLogger(w io.Writer, level, format string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("log_level %q: give debug, info, warn or error", level)
	}
	opt := &slog.HandlerOptions{Level: l}
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(w, opt)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, opt)), nil
	}
	return nil, fmt.Errorf("log_format %q: give text or json", format)
}
