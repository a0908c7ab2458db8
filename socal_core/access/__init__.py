"""Who may use the app on a server: its configuration, login, roles, data roots and quotas."""
