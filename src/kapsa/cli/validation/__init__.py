"""What `kapsa validate` does: manifests in files, judged without a cluster."""
