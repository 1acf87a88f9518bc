"""Where bundles are delivered: one module a kind of sink, each implementing `ports.Sink`."""
