"""What runs in the flow's process."""
