"""Clients, their subscriptions and contacts, and who owns their renewals."""
