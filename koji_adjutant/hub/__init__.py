"""The hub as the daemon and its tasks call it: sessions, logins, outages, lost answers."""
