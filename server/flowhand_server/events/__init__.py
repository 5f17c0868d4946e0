"""Events: what they are made of, who wants which, and the feed that hands them on as they happen."""
