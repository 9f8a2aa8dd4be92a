package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

// order is what the command line asks for.
type order struct {
	release, out, push string
	facts              facts
	platforms          []string
}

// facts are what an image says of where it comes from. What is not known stays empty, and
// is said nowhere.
type facts struct {
	version  string
	source   string // the repository's URL
	revision string // the commit
	builder  string // the URI of who built it
}

func parse(args []string) (order, error) {
	var o order
	flags := flag.NewFlagSet("image", flag.ContinueOnError)
	flags.StringVar(&o.release, "release", "", "the `folder` that scripts/release.sh wrote")
	flags.StringVar(&o.out, "out", "", "the `folder` for the image, which is replaced")
	flags.StringVar(&o.push, "push", "", "push to this `name`, such as registry.example.com/plugin:v1.2.3")
	flags.StringVar(&o.facts.version, "version", "", "the release's `version`")
	flags.StringVar(&o.facts.source, "source", "", "the `URL` of the sources")
	flags.StringVar(&o.facts.revision, "revision", "", "the `commit` of the sources")
	flags.StringVar(&o.facts.builder, "builder", "", "the `URI` of what runs this")
	if err := flags.Parse(args); err != nil {
		return order{}, err
	}
	o.platforms = flags.Args()
	if o.release == "" || o.out == "" || o.facts.version == "" || len(o.platforms) == 0 {
		return order{}, errors.New("-release, -version, -out and at least one platform are needed, such as linux/amd64")
	}
	return o, nil
}

func run(ctx context.Context, args []string, out io.Writer) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	made, err := assemble(o)
	if err != nil {
		return err
	}
	if err := made.write(o.out); err != nil {
		return err
	}
	if o.push != "" {
		if err := made.push(ctx, o.push); err != nil {
			return err
		}
	}
	_, err = fmt.Fprint(out, made.summary())
	return err
}
