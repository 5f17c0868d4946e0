"""What a flow's author touches."""
