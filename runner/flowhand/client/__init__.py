"""The httpx side of the API."""
