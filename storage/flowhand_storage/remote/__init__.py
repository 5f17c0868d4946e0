"""Code in object stores, on web and file servers, and in archives: whatever fsspec reads."""
