package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"

	"github.com/spf13/cobra"
)

func newTrace() *cobra.Command {
	var stream string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "trace DEVICE EPOCH SEQ",
		Short: "say what happened to one number",
		Long: "The first line is the answer: stored, lost, refused, still waited for, or not expected. The lines below are the evidence: where\n" +
			"it was committed and lies, or between which frames it was lost, who said what, and what is kept of it. EPOCH is the server's\n" +
			"ordinal, or current.\n" +
			"The tenant is that of the token.",
		Example: "  gapless trace mill-07 1 4711\n  gapless trace mill-07 current 4711 --stream spindle --json",
		Args:    cobra.ExactArgs(3),
	}
	c := addClientFlags(cmd)
	c.addConsistencyFlag(cmd)
	cmd.ValidArgsFunction = c.completeDevice
	cmd.Flags().StringVar(&stream, "stream", "", `the stream (default "0")`)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the node's answer as JSON")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		q := query{}
		q.set("stream", stream)
		return runTrace(cmd.Context(), c, cmd.OutOrStdout(), args, url.Values(q), asJSON)
	}
	return cmd
}

func runTrace(ctx context.Context, c *client, w io.Writer, args []string, q url.Values, asJSON bool) error {
	path := fmt.Sprintf("/v1/trace/%s/%s/%s", url.PathEscape(args[0]), url.PathEscape(args[1]), url.PathEscape(args[2]))
	var body json.RawMessage
	if err := c.get(ctx, path, q, &body); err != nil {
		return err
	}
	if asJSON {
		_, err := fmt.Fprintf(w, "%s\n", body)
		return err
	}
	var t traceAnswer
	if err := json.Unmarshal(body, &t); err != nil {
		return fmt.Errorf("%s: the answer is not what this version expects: %w", path, err)
	}
	return t.write(w)
}

// traceAnswer is a trace as a node answers it.
type traceAnswer struct {
	Device     string     `json:"device"`
	Stream     string     `json:"stream"`
	Seq        uint64     `json:"seq"`
	Result     string     `json:"result"`
	Epoch      traceEpoch `json:"epoch"`
	Numbering  string     `json:"numbering"`
	Head, Tail struct {
		First      *uint64 `json:"first"`
		Last       *uint64 `json:"last"`
		Basis      string  `json:"basis"`
		DeclaredAt string  `json:"declared_at"`
	}
	Said  []traceSaid `json:"said"`
	Frame *struct {
		frameAnswer
		Received string `json:"received"`
		Position string `json:"position"`
	} `json:"frame"`

	Commit struct {
		History      uint64 `json:"history"`
		Index        uint64 `json:"index"`
		Ordinal      uint32 `json:"ordinal"`
		AppliedIndex uint64 `json:"applied_index"`
	} `json:"commit"`
	Layer      traceLayer `json:"layer"`
	Seal       traceSeal  `json:"seal"`
	Unverified uint32     `json:"unverified"`
	Gap        *traceGap  `json:"gap"`
	Claim      *gap       `json:"claim"`

	Before    *traceBeside `json:"before"`
	After     *traceBeside `json:"after"`
	Ambiguous bool         `json:"ambiguous"`
	Elsewhere struct {
		Total int              `json:"total"`
		List  []traceElsewhere `json:"list"`
	} `json:"elsewhere"`
	DeadLetters  traceEvidence `json:"dead_letters"`
	Conflicts    traceEvidence `json:"conflicts"`
	AsOf         []asOf        `json:"as_of"`
	Completeness struct {
		Verdict string `json:"verdict"`
	} `json:"completeness"`
}

type traceEpoch struct {
	Ordinal   uint32  `json:"ordinal"`
	Raw       string  `json:"raw"`
	Source    string  `json:"source"`
	Probation bool    `json:"probation"`
	After     uint32  `json:"after"`
	Linked    *uint64 `json:"linked"`
	Offset    *uint64 `json:"offset"`
}

type traceSaid struct {
	Basis string  `json:"basis"`
	First *uint64 `json:"first"`
	Next  *uint64 `json:"next_seq"`
	Last  *uint64 `json:"last_seq"`
	Count *uint64 `json:"count"`
	At    string  `json:"at"`
}

type traceLayer struct {
	Kind       string `json:"kind"`
	Segment    string `json:"segment"`
	FirstIndex uint64 `json:"first_index"`
	LastIndex  uint64 `json:"last_index"`
	Block      int    `json:"block"`
	Blocks     int    `json:"blocks"`
	Offset     int64  `json:"offset"`
	Bytes      int64  `json:"bytes"`
	FirstSeq   uint64 `json:"first_seq"`
	LastSeq    uint64 `json:"last_seq"`
}

type traceSeal struct {
	Ordinal *uint32 `json:"ordinal"`
	Proof   *struct {
		Group, Strip, Seal struct {
			Index, Size int64
			Proof       []string
		}
		Checkpoint string
	} `json:"proof"`
	Error *apiError `json:"error"`
}

type traceGap struct {
	gap
	Since   string     `json:"since"`
	Nacks   uint32     `json:"nacks"`
	Between *[2]string `json:"between"`
}

type traceBeside struct {
	Seq      uint64   `json:"seq"`
	Time     string   `json:"time"`
	Received string   `json:"received"`
	Position string   `json:"position"`
	Flags    []string `json:"flags"`
}

type traceElsewhere struct {
	traceBeside
	Epoch  traceEpoch `json:"epoch"`
	Why    string     `json:"why"`
	Stored bool       `json:"stored"`
	Wraps  []uint64   `json:"wraps"`
}

type traceEvidence struct {
	Device     string      `json:"device"`
	Found      int         `json:"found"`
	Searched   uint64      `json:"searched"`
	Complete   bool        `json:"complete"`
	Unsearched [][2]uint64 `json:"unsearched"`
	Limits     []string    `json:"limits"`
	List       []struct {
		traceBeside
		Cause    string `json:"cause"`
		Code     string `json:"code"`
		Size     int    `json:"size"`
		RawBytes int    `json:"raw_bytes"`
		Raw      []byte `json:"raw"`
	} `json:"list"`
}
