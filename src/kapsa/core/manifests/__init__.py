"""Kubernetes objects, whole: one builder per file, typed values in, a manifest out."""
