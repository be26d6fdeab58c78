package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"

	"github.com/spf13/cobra"
)

// Limits of one request of an import: what the node makes one command of.
const (
	importLines = 10_000
	importBytes = 1 << 20
	maxLine     = 1 << 20
)

func newDeviceImport(c *client) *cobra.Command {
	var path, do string
	cmd := &cobra.Command{
		Use:   "import -f FILE",
		Short: "register many devices",
		Long: "Read devices from a file, one JSON object a line (- for standard input), and send them in requests of up to 10,000 lines and 1 MiB. Each\n" +
			"request is taken whole or not at all, and the first that is refused is the last. An import that is repeated changes nothing twice.",
		Example: `  echo '{"device":"mill-07","labels":{"site":"graz"},"type":"mill"}' | gapless ctl device import -f -`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			in := cmd.InOrStdin()
			if path != "-" {
				f, err := os.Open(path)
				if err != nil {
					return err
				}
				defer f.Close()
				in = f
			}
			done, err := importDevices(cmd.Context(), c, do, in)
			if done.Changed+done.Unchanged > 0 || err == nil {
				fmt.Fprintf(cmd.OutOrStdout(), "%d devices changed, %d were like that before; the registry is at revision %d\n", done.Changed, done.Unchanged, done.Revision)
			}
			return err
		},
	}
	cmd.Flags().StringVarP(&path, "file", "f", "", "file of devices, one JSON object a line")
	cmd.Flags().StringVar(&do, "do", "set", "set (replace entries), patch (change parts) or delete")
	if err := cmd.MarkFlagRequired("file"); err != nil {
		panic(err) // the flag is defined above
	}
	return cmd
}

// imported is the answer to POST /v1/devices, summed up over all requests.
type imported struct {
	Revision  uint64 `json:"revision"`
	Changed   int    `json:"changed"`
	Unchanged int    `json:"unchanged"`
}

// importDevices sends line after line. What was done before an error stays done.
func importDevices(ctx context.Context, c *client, do string, in io.Reader) (sum imported, err error) {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLine)
	var body bytes.Buffer
	first, at, count := 1, 0, 0
	flush := func() error {
		if count == 0 {
			return nil
		}
		var done imported
		if err := c.send(ctx, http.MethodPost, "/v1/devices?"+url.Values{"do": {do}}.Encode(), "application/x-ndjson", &body, &done); err != nil {
			return fmt.Errorf("lines %d to %d: %w", first, at, err)
		}
		sum.Revision = done.Revision
		sum.Changed += done.Changed
		sum.Unchanged += done.Unchanged
		body.Reset()
		first, count = at+1, 0
		return nil
	}
	for lines.Scan() {
		line := bytes.TrimSpace(lines.Bytes())
		if count == importLines || count > 0 && body.Len()+len(line) >= importBytes {
			if err := flush(); err != nil {
				return sum, err
			}
		}
		if at++; len(line) == 0 {
			continue
		}
		body.Write(line)
		body.WriteByte('\n')
		count++
	}
	if err := lines.Err(); err != nil {
		return sum, fmt.Errorf("line %d: %w", at+1, err)
	}
	return sum, flush()
}
