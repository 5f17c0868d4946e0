"""Who may do what: keys and their scopes, Basic credentials, failed attempts, CSRF tokens, the audit trail."""
